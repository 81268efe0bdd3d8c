package syntax

import "strings"

// SplitCommand splits a text at its blanks. Quotes of both kinds keep words together, and a
// backslash escapes a character. It returns false if a quote or an escape does not end.
func SplitCommand(text string) (words []string, ok bool) { return splitAtBlanks(text, escape) }

// Resolve returns a text with its backslash escapes resolved.
func Resolve(text string) string {
	var b strings.Builder
	for {
		before, behind, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found || behind == "" {
			return b.String()
		}
		value, length := escape(behind)
		b.WriteString(value)
		text = behind[length:]
	}
}

// splitAtBlanks splits a text as SplitCommand does. resolve returns the replacement of what follows
// a backslash.
func splitAtBlanks(text string, resolve func(behind string) (value string, length int)) (words []string, ok bool) {
	for {
		text = strings.TrimLeft(text, blanks)
		if text == "" {
			return words, true
		}
		var word string
		if word, text, ok = firstWord(text, resolve); !ok {
			return words, false
		}
		words = append(words, word)
	}
}

// firstWord returns the first word of a command and the rest.
func firstWord(text string, resolve func(behind string) (string, int)) (word, behind string, ok bool) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case c == '\\' && i+1 == len(text):
			return "", "", false
		case c == '\\':
			value, length := resolve(text[i+1:])
			b.WriteString(value)
			i += 1 + length
			continue
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(blanks, c) >= 0:
			return b.String(), text[i:], true
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), "", quote == 0
}

// asWritten keeps a backslash and the character after it.
func asWritten(behind string) (value string, length int) { return `\` + behind[:1], 1 }

// escape returns the value of the escape sequence after a backslash, and its length.
func escape(text string) (value string, length int) {
	const named, meaning = "abEfnrtv", "\a\b\x1b\f\n\r\t\v"
	switch c := text[0]; {
	case c == 'x' && hexDigits(text[1:]) > 0:
		n := min(hexDigits(text[1:]), 2)
		return numbered(text[1:1+n], 16), 1 + n
	case c == 'c' && len(text) > 1:
		return string(rune(text[1] & 0x1f)), 2
	case c >= '0' && c <= '7':
		n := 1
		for n < min(3, len(text)) && text[n] >= '0' && text[n] <= '7' {
			n++
		}
		return numbered(text[:n], 8), n
	case strings.IndexByte(named, c) >= 0:
		return meaning[strings.IndexByte(named, c):][:1], 1
	}
	return text[:1], 1
}

func hexDigits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789abcdefABCDEF"))
}

// numbered returns the byte of a number.
func numbered(digits string, base int) string {
	n := 0
	for _, d := range strings.ToLower(digits) {
		v := int(d - '0')
		if d >= 'a' {
			v = int(d-'a') + 10
		}
		n = n*base + v
	}
	return string([]byte{byte(n)})
}
