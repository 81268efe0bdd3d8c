package yaml

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// glue mends IPv6 addresses. Within a map in braces goccy/go-yaml 1.19.2 takes the first colon of a
// list entry for the end of a key, so that {addresses: [fe80::1/64]} holds a map. In YAML such a
// colon has to be followed by a blank (YAML 1.2.2 §7.3.3).
func glue(tokens token.Tokens) token.Tokens {
	var out token.Tokens
	var open []token.Type // the brackets around the token
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, t.Type)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(0, len(open)-1)]
		}
		const longest = 64 // characters; an address is shorter
		listed := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
		colon := t.Type == token.MappingValueType && t.Next != nil && plainScalar(t.Next) && follows(t, t.Next)
		last := len(out) - 1
		if last >= 0 && len(out[last].Value) > longest {
			listed = false // not an address: joining text again and again takes quadratic time
		}
		switch {
		case listed && colon && plainScalar(out[last]) && follows(out[last], t):
			out[last] = joined(out[last], t)
		case listed && colon && beginsEntry(out[last]):
			out = append(out, joined(t, &token.Token{}))
		case listed && last >= 0 && endsInColon(out[last]) && plainScalar(t) && follows(out[last], t):
			out[last] = joined(out[last], t)
		default:
			out = append(out, t)
		}
	}
	for i, t := range out[:max(0, len(out)-1)] {
		t.Next, out[i+1].Prev = out[i+1], t
	}
	return out
}

// joined returns the plain text of two adjacent tokens as one token.
func joined(a, b *token.Token) *token.Token {
	t := token.String(a.Value+b.Value, a.Origin+b.Origin, a.Position)
	t.Prev, t.Next = a.Prev, b.Next
	return t
}

// plainScalar reports whether a token is text without quotes.
func plainScalar(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.HexIntegerType,
		token.OctetIntegerType, token.BinaryIntegerType, token.BoolType, token.NullType:
		return true
	}
	return false
}

// beginsEntry reports whether a list entry follows a token.
func beginsEntry(t *token.Token) bool {
	return t.Type == token.SequenceStartType || t.Type == token.CollectEntryType
}

// endsInColon reports whether glue made a token and has not finished it.
func endsInColon(t *token.Token) bool {
	return plainScalar(t) && t.Value != "" && t.Value[len(t.Value)-1] == ':'
}

// follows reports whether b begins where a ends.
func follows(a, b *token.Token) bool {
	return a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}
