package keepalived

import (
	"slices"

	"ripcord/pkg/keepalived/syntax"
)

// Fate is how ripcord treats a keyword.
type Fate uint8

// Fates of keywords.
const (
	Translated Fate = iota // becomes a key of ripcord
	Inherent               // ripcord always does so, or it has no visible effect
	Changed                // works in another way
	Missing                // is not supported
)

// shape is what may follow a keyword.
type shape uint8

const (
	plain   shape = iota // words
	entries              // words, and a block with one entry per line
	nested               // words, and a block of keywords
	skipped              // words, and perhaps a block that is not read
)

// A keyword is a row of a table. It may stand in the blocks of its table.
type keyword[T any] struct {
	name string
	// min and max are the numbers of words after the keyword. max -1: any number. min -1: one
	// or more, and keepalived skips a line without any.
	min, max int
	shape    shape
	fate     Fate
	becomes  string // ripcord's key, or how it differs, or why it is not supported
	topic    string // if it is not supported: all keywords of a topic share one note
	read     func(t *translator, s *syntax.Statement, into *T)
}

// A table lists the keywords of one kind of block. What is accepted, what is noted, the suggestions
// for a misspelt keyword, and the page about migration follow from it.
type table[T any] []keyword[T]

// find returns the row of a keyword, or nil.
func (tb table[T]) find(name string) *keyword[T] {
	for i := range tb {
		if tb[i].name == name {
			return &tb[i]
		}
	}
	return nil
}

// names returns the names of all rows.
func (tb table[T]) names() []string {
	var all []string
	for i := range tb {
		all = append(all, tb[i].name)
	}
	return all
}

// namesOf returns the names of the rows of a shape.
func (tb table[T]) namesOf(s shape) []string {
	var all []string
	for i := range tb {
		if tb[i].shape == s {
			all = append(all, tb[i].name)
		}
	}
	return all
}

// lists returns the keywords of inner blocks with one entry per line.
func lists() []string {
	return slices.Concat(instanceKeywords.namesOf(entries), groupKeywords.namesOf(entries),
		trackGroupKeywords.namesOf(entries), garpGroupKeywords.namesOf(entries))
}

// read reads the statements of a block.
func (tb table[T]) read(t *translator, block string, statements []*syntax.Statement, into *T) {
	for n, s := range statements {
		k := tb.find(s.Keyword())
		if k == nil {
			t.vocabulary.unknown(t.Report, s, block, tb.names)
			continue
		}
		ends := block == "" && n == len(statements)-1
		if !k.fits(t.Report, s, ends) {
			continue
		}
		switch k.fate {
		case Missing:
			t.omitted.add(s, k.topic, k.becomes)
		case Changed:
			if k.read == nil && !t.differing[k.becomes] {
				t.differing[k.becomes] = true
				t.Differ(s.At(), "", "%s: %s", s.Keyword(), k.becomes)
			}
		}
		if k.read != nil {
			k.read(t, s, into)
		}
	}
}

// fits reports whether a statement has what its keyword needs. It notes surplus words, which are
// ignored. If the { of a block is missing, keepalived takes the following lines for the block. At
// the end of the file such a block is empty; anywhere else it swallows other statements, which is
// an error.
func (k *keyword[T]) fits(r *syntax.Report, s *syntax.Statement, ends bool) bool {
	arguments := len(s.Words) - 1
	switch {
	case arguments < k.min && s.Unclosed && k.max < 0: // a command, noted already
		return false
	case arguments == 0 && k.min < 0:
		r.Ignore(s.At(), "", "%s has no value: the line is left out", s.Keyword())
		return false
	case arguments < k.min:
		r.Fail(s.At(), "", "%s has no value", s.Keyword())
		return false
	case k.max >= 0 && arguments > k.max && slices.Contains([]string{"vrrp_instance", "vrrp_sync_group", "track_group"}, k.name):
		r.Differ(s.Words[k.max+1].Position, "write the name as one word",
			"the name has more than one word: keepalived leaves the whole block out; ripcord reads the name as %s", s.TitleOf(k.max))
	case k.max >= 0 && arguments > k.max:
		r.Ignore(s.Words[k.max+1].Position, "write each statement on a line of its own",
			"the words after %s are left out", s.TitleOf(k.max))
	}
	const hint = "write { after it, and } where the block ends"
	switch block := k.shape == entries || k.shape == nested; {
	case block && s.Open == nil && ends:
		r.Ignore(s.At(), hint, "%s needs a block: ripcord reads it with an empty one", s.Title())
	case block && s.Open == nil:
		r.Fail(s.At(), hint, "%s needs a block", s.Title())
		return false
	case k.shape == plain && s.Open != nil:
		r.Ignore(*s.Open, "", "%s takes no block: the block is left out", s.Keyword())
	}
	return true
}
