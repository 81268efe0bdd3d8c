package keepalived

import (
	"slices"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
)

// A keywordBlock is a kind of block and its keywords.
type keywordBlock struct {
	name     string // empty: the top level
	keywords []string
}

// A vocabulary lists all kinds of blocks. A keyword that is unknown in its own block is compared
// with it.
type vocabulary []keywordBlock

// blocks returns all kinds of blocks.
func blocks() vocabulary {
	return vocabulary{
		{"", rootKeywords.names()}, {"global_defs", globalKeywords.names()},
		{"vrrp_instance", instanceKeywords.names()}, {"authentication", authKeywords.names()}, {"auth_hmac", hmacKeywords.names()},
		{"vrrp_sync_group", groupKeywords.names()}, {"track_group", trackGroupKeywords.names()},
		{"garp_group", garpGroupKeywords.names()}, {"vrrp_script", scriptKeywords.names()},
		{"vrrp_track_process", processKeywords.names()}, {"track_file", fileKeywords.names()},
	}
}

// unknown notes a keyword that is not in the table of its block.
func (v vocabulary) unknown(r *syntax.Report, s *syntax.Statement, block string, names func() []string) {
	what := "is not a keyword"
	if block != "" {
		what += " of " + block
	}
	if s.Open != nil {
		what += ": the block is left out"
	} else {
		what += ": the line is left out"
	}
	if s.Keyword() == "" {
		r.Ignore(s.At(), "", "a block without a keyword is left out")
		return
	}
	if s.Open != nil && block != "" {
		r.Differ(s.At(), v.meant(r, s, block, names), "%s %s; keepalived reads its lines as lines of %s, ends that block at this block's }, and drops the lines after it",
			syntax.Show(s.Keyword()), what, block)
		return
	}
	r.Ignore(s.At(), v.meant(r, s, block, names), "%s %s", syntax.Show(s.Keyword()), what)
}

// synonyms map other programs' words to the keywords they mean.
var synonyms = map[string]string{
	"auth": "authentication", "iface": "interface", "password": "auth_pass", "peers": "unicast_peer", "prio": "priority", "vip": "virtual_ipaddress",
	"vips": "virtual_ipaddress", "vrid": "virtual_router_id",
}

// meant returns a hint at the keyword that was probably intended.
func (v vocabulary) meant(r *syntax.Report, s *syntax.Statement, block string, known func() []string) string {
	if r.Full() {
		return ""
	}
	word, names := s.Keyword(), known()
	if other := synonyms[word]; slices.Contains(names, other) {
		return spelling.DidYouMean(other)
	}
	if ofAll := "vrrp_" + word; slices.Contains(names, ofAll) {
		return spelling.DidYouMean(ofAll)
	}
	if near := nearest(word, v.likely(word, names)); near != "" {
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
		return "it belongs in " + where[0]
	}
	return spelling.DidYouMean(partOf(word, names))
}

// likely returns the names each part of which may be meant by the corresponding part of a word. A
// part that is known is spelt right: snmp in snmp_server is not a misspelt smtp.
func (v vocabulary) likely(word string, names []string) []string {
	written := strings.Split(strings.ToLower(word), "_")
	known := make([]bool, len(written))
	for i, part := range written {
		known[i] = v.hasPart(part)
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		parts := strings.Split(name, "_")
		if len(parts) != len(written) {
			return false
		}
		for i, part := range parts {
			if !mayMean(written[i], part, known[i]) {
				return true
			}
		}
		return false
	})
}

// mayMean reports whether a written part of a keyword may mean another one: in the plural, or,
// unless it is a known part of keywords, misspelt or in its long form (source is src).
func mayMean(written, part string, known bool) bool {
	switch {
	case strings.HasPrefix(written, part), strings.HasPrefix(part, written):
		return true
	case known:
		return false
	}
	return spelling.Nearest(written, []string{part}) != "" || abbreviates(written, part) || abbreviates(part, written)
}

// hasPart reports whether a keyword has a part, as snmp_socket has socket.
func (v vocabulary) hasPart(part string) bool {
	for _, b := range v {
		for _, k := range b.keywords {
			for p := range strings.SplitSeq(k, "_") {
				if p == part {
					return true
				}
			}
		}
	}
	return false
}

// abbreviates reports whether a word consists of letters of a longer one, in their order.
func abbreviates(short, long string) bool {
	for _, letter := range short {
		at := strings.IndexRune(long, letter)
		if at < 0 {
			return false
		}
		long = long[at+1:]
	}
	return true
}

// nearest returns the name closest to a misspelt word, ignoring case.
func nearest(word string, names []string) string {
	if near := spelling.Nearest(word, names); near != "" {
		return near
	}
	return spelling.Nearest(strings.ToLower(word), names)
}

// partOf returns the first name that begins or ends with a word, or else the longest name with
// which the word begins.
func partOf(word string, names []string) (best string) {
	const minPart, minEnd = 6, 7
	if i := slices.IndexFunc(names, func(name string) bool { return len(word) >= minPart && strings.HasPrefix(name, word) }); i >= 0 {
		return names[i]
	}
	for _, name := range names {
		switch {
		case len(word) >= minEnd && strings.HasSuffix(name, "_"+word):
			return name
		case len(name) >= minPart && len(name) > len(best) && strings.HasPrefix(word, name+"_"):
			best = name
		}
	}
	return best
}
