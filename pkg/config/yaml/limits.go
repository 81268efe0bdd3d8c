package yaml

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Reading a file takes time and memory that grow with its size alone, whatever it contains,
// and its size is limited. The parser takes quadratic time for deep nesting, for block maps
// of many keys, and for long keys with much below them, so the tokens are looked at before;
// and what aliases repeat is counted before it is read.

const (
	deepest    = 32       // levels of brackets, and of indentation
	mostTokens = 1 << 20  // words and signs
	mostKeys   = 2048     // of one block map
	mostPath   = 64 << 20 // bytes of the paths to all values together
	mostSize   = 1 << 19  // values, with those that aliases repeat
)

// level is a map or list that is open at a token.
type level struct {
	column int // where its entries begin; 0 for brackets
	key    int // length of the key whose value is being read
	keys   int // so far
}

// levels are those that are open, and what they have cost.
type levels struct {
	open     []level
	brackets int // of open
	path     int // length of the path to the present value: the sum of the keys of open
	paths    int // sum of the paths to all values
}

// excess returns the first token that makes a file too costly to parse, and why;
// nil if there is none.
func excess(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > mostTokens {
		return tokens[mostTokens], fmt.Sprintf("the file has more than %d words and signs", mostTokens)
	}
	var l levels
	for _, t := range tokens {
		l.take(t)
		l.paths += l.path
		switch last := len(l.open) - 1; {
		case l.brackets > deepest:
			return t, fmt.Sprintf("brackets are nested more than %d deep", deepest)
		case len(l.open)-l.brackets > deepest:
			return t, fmt.Sprintf("maps and lists are nested more than %d deep", deepest)
		case last >= 0 && l.open[last].column > 0 && l.open[last].keys > mostKeys:
			return t, fmt.Sprintf("a map has more than %d keys", mostKeys)
		case l.paths > mostPath:
			return t, "the keys are too long for what stands below them"
		}
	}
	return nil, ""
}

// take opens and closes levels as a token does.
func (l *levels) take(t *token.Token) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		l.open = append(l.open, level{})
		l.brackets++
	case token.SequenceEndType, token.MappingEndType:
		if l.flow() {
			l.pop()
			l.brackets--
		}
	case token.SequenceEntryType, token.MappingKeyType:
		l.entry(t, 0)
	case token.MappingValueType:
		if key := t.Prev; key != nil {
			l.entry(key, len(key.Value))
		}
	}
}

// flow reports whether the token stands in brackets.
func (l *levels) flow() bool { return len(l.open) > 0 && l.open[len(l.open)-1].column == 0 }

func (l *levels) pop() {
	last := len(l.open) - 1
	l.path -= l.open[last].key
	l.open = l.open[:last]
}

// entry begins an entry: of the innermost brackets, or of the block that begins at
// the column of t, which ends those to the right of it.
func (l *levels) entry(t *token.Token, key int) {
	if !l.flow() {
		for len(l.open) > 0 && l.open[len(l.open)-1].column > t.Position.Column {
			l.pop()
		}
		if len(l.open) == 0 || l.open[len(l.open)-1].column < t.Position.Column {
			l.open = append(l.open, level{column: t.Position.Column})
		}
	}
	last := &l.open[len(l.open)-1]
	if key == 0 && last.keys > 0 {
		return // a list that is the value of the last key, and not indented
	}
	l.path += key - last.key
	last.key = key
	if key > 0 {
		last.keys++
	}
}
