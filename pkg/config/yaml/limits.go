package yaml

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// The limits bound the time and memory for a file by its size alone, whatever it contains, and its
// size is limited. The parser takes quadratic time for deep nesting, for block maps of many keys,
// and for long keys with much below them, so the tokens are checked before parsing. The values that
// aliases repeat are counted before they are read.

const (
	maxDepth  = 32       // levels of brackets, and of indentation
	maxTokens = 1 << 20  // words and signs
	maxKeys   = 2048     // of one block map
	maxPath   = 64 << 20 // bytes of the paths to all values together
	maxSize   = 1 << 19  // values, with those that aliases repeat
)

// level is a map or list that is still open at a token.
type level struct {
	column int // column of its entries; 0 for brackets
	key    int // length of the key whose value is being read
	keys   int // number of keys so far
}

// levels are the open levels, and their cost so far.
type levels struct {
	open     []level
	brackets int // number of brackets among them
	path     int // length of the path to the present value: the sum of the keys of the open levels
	paths    int // sum of the lengths of the paths to all values
}

// excess returns the first token that makes a file too costly to parse, and the reason, or nil if
// the file is within the limits.
func excess(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], fmt.Sprintf("the file has more than %d words and signs", maxTokens)
	}
	var l levels
	for _, t := range tokens {
		l.take(t)
		l.paths += l.path
		switch last := len(l.open) - 1; {
		case l.brackets > maxDepth:
			return t, fmt.Sprintf("brackets are nested more than %d deep", maxDepth)
		case len(l.open)-l.brackets > maxDepth:
			return t, fmt.Sprintf("maps and lists are nested more than %d deep", maxDepth)
		case last >= 0 && l.open[last].column > 0 && l.open[last].keys > maxKeys:
			return t, fmt.Sprintf("a map has more than %d keys", maxKeys)
		case l.paths > maxPath:
			return t, "the keys are too long for the values below them"
		}
	}
	return nil, ""
}

// take opens and closes levels as a token requires.
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

// entry begins an entry of the innermost brackets, or of the block whose column t has, and closes
// the blocks to the right of it.
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
		return // a list that is the value of the last key, without indentation
	}
	l.path += key - last.key
	last.key = key
	if key > 0 {
		last.keys++
	}
}
