package keepalived

import (
	"slices"
	"strings"

	"ripcord/pkg/spelling"
)

// Fate is what becomes of a keyword.
type Fate uint8

// The fates of keywords.
const (
	Translated Fate = iota // becomes a key of ripcord's
	Inherent               // ripcord does so anyway, or nothing of it is seen from outside
	Changed                // works in another way
	Missing                // is not done
)

// shape is what stands behind a keyword.
type shape uint8

const (
	plain   shape = iota // words
	entries              // words, and a block with one entry a line
	nested               // words, and a block of keywords
	skipped              // words, and perhaps a block, of which nothing is read
)

// A keyword is a row of a table: where it may stand follows from its table.
type keyword[T any] struct {
	name        string
	least, most int // how many words stand behind it; most -1: any number
	shape       shape
	fate        Fate
	becomes     string // ripcord's key, or how it differs, or why it is not done
	topic       string // of what is not done: one note for all keywords of a topic
	read        func(t *translator, s *Statement, into *T)
}

// A table is all keywords of one kind of block. What is accepted, what is noted, what a
// misspelt keyword is compared with, and the page for those who migrate follow from it.
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

// names are those of all rows.
func (tb table[T]) names() []string {
	var all []string
	for i := range tb {
		all = append(all, tb[i].name)
	}
	return all
}

// read takes the statements of a block.
func (tb table[T]) read(t *translator, block string, statements []*Statement, into *T) {
	for _, s := range statements {
		k := tb.find(s.keyword())
		if k == nil {
			t.unknown(s, block, tb.names)
			continue
		}
		if !t.fits(s, k.least, k.most, k.shape) {
			continue
		}
		switch k.fate {
		case Missing:
			t.leaveOut(s, k.topic, k.becomes)
		case Changed:
			if k.read == nil {
				t.differ(s.at(), "", "%s: %s", s.keyword(), k.becomes)
			}
		}
		if k.read != nil {
			k.read(t, s, into)
		}
	}
}

// unknown notes a keyword that is not in the table of its block.
func (t *translator) unknown(s *Statement, block string, names func() []string) {
	what := "is no keyword"
	if block != "" {
		what += " of " + block
	}
	if s.Open != nil {
		what += ": it is left out, with its block"
	} else {
		what += ": the line is left out"
	}
	if s.keyword() == "" {
		t.ignore(s.at(), "", "a block without a keyword is left out")
		return
	}
	t.ignore(s.at(), t.meant(s, block, names), "%s %s", show(s.keyword()), what)
}

// meant is a hint at the keyword that was meant.
func (t *translator) meant(s *Statement, block string, known func() []string) string {
	if t.full() {
		return ""
	}
	word, names := s.keyword(), known()
	if near := nearest(word, names); near != "" {
		return spelling.DidYouMean(near)
	}
	var where []string
	for _, b := range t.blocks {
		if b.name != block && slices.Contains(b.keywords, word) {
			where = append(where, b.name)
		}
	}
	switch {
	case len(where) > 0 && where[0] == "":
		return "it belongs outside of blocks"
	case len(where) > 0:
		return "it belongs into " + where[0]
	}
	return spelling.DidYouMean(partOf(word, names))
}

// nearest is the name that was most likely meant by a misspelt one, in letters of any case.
func nearest(word string, names []string) string {
	if near := spelling.Nearest(word, names); near != "" {
		return near
	}
	return spelling.Nearest(strings.ToLower(word), names)
}

// partOf is the name of which a word is a part, or the longest that is a part of the word.
func partOf(word string, names []string) (best string) {
	const least = 6
	for _, name := range names {
		switch {
		case len(word) >= least && strings.HasSuffix(name, "_"+word):
			return name
		case len(name) >= least && len(name) > len(best) && strings.HasPrefix(word, name+"_"):
			best = name
		}
	}
	return best
}

// fits reports whether a statement has what its keyword needs. Words too many are noted,
// and do not count.
func (t *translator) fits(s *Statement, least, most int, shape shape) bool {
	arguments := len(s.Words) - 1
	switch {
	case arguments < least && s.unclosed && most < 0: // a command, and noted already
		return false
	case arguments < least:
		t.fail(s.at(), "", "%s has no value", s.keyword())
		return false
	case most >= 0 && arguments > most:
		t.ignore(s.Words[most+1].Position, "a statement ends with its line: write each on a line of its own",
			"what stands behind %s is left out", s.titleOf(most))
	}
	switch block := shape == entries || shape == nested; {
	case block && s.Open == nil:
		t.fail(s.at(), "write { behind it, and } where the block ends", "%s needs a block", s.title())
		return false
	case shape == plain && s.Open != nil:
		t.ignore(*s.Open, "", "%s has no block: it is left out", s.keyword())
	}
	return true
}

// titleOf is a statement with some of its arguments.
func (s *Statement) titleOf(arguments int) string {
	title := show(s.keyword())
	for i := 1; i <= arguments; i++ {
		title += " " + show(s.word(i))
	}
	return title
}
