package keepalived

import (
	"slices"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
)

// A keywordBlock is a kind of block and its keywords.
type keywordBlock struct {
	name     string // empty: outside of blocks
	keywords []string
}

// A vocabulary is all kinds of blocks, with which a keyword is compared that is not one of
// its own block's.
type vocabulary []keywordBlock

// blocks are all kinds of blocks.
func blocks() vocabulary {
	return vocabulary{
		{"", rootKeywords.names()}, {"global_defs", globalKeywords.names()},
		{"vrrp_instance", instanceKeywords.names()}, {"authentication", authKeywords.names()}, {"auth_hmac", hmacKeywords.names()},
		{"vrrp_sync_group", groupKeywords.names()}, {"vrrp_script", scriptKeywords.names()},
		{"vrrp_track_process", processKeywords.names()}, {"track_file", fileKeywords.names()},
	}
}

// unknown notes a keyword that is not in the table of its block.
func (v vocabulary) unknown(r *syntax.Report, s *syntax.Statement, block string, names func() []string) {
	what := "is no keyword"
	if block != "" {
		what += " of " + block
	}
	if s.Open != nil {
		what += ": it is left out, with its block"
	} else {
		what += ": the line is left out"
	}
	if s.Keyword() == "" {
		r.Ignore(s.At(), "", "a block without a keyword is left out")
		return
	}
	r.Ignore(s.At(), v.meant(r, s, block, names), "%s %s", syntax.Show(s.Keyword()), what)
}

// meant is a hint at the keyword that was meant.
func (v vocabulary) meant(r *syntax.Report, s *syntax.Statement, block string, known func() []string) string {
	if r.Full() {
		return ""
	}
	word, names := s.Keyword(), known()
	if near := nearest(word, names); near != "" {
		return spelling.DidYouMean(near)
	}
	var where []string
	for _, b := range v {
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
