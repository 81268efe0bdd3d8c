package keepalived

import (
	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// omissions are the topics that ripcord leaves out, in the order of the file.
type omissions struct {
	all     []mention
	byTopic map[string]int // their indexes in all
}

// A mention is a topic that ripcord leaves out, with its first place and a count.
type mention struct {
	at    tree.Position
	what  string // the first keyword
	text  string
	count int
}

// add records a keyword of something that ripcord does not do. All keywords of a topic make one
// note.
func (o *omissions) add(s *syntax.Statement, topic, text string) {
	if i, again := o.byTopic[topic]; again {
		o.all[i].count++
		return
	}
	o.byTopic[topic] = len(o.all)
	o.all = append(o.all, mention{s.At(), s.Title(), text, 1})
}

// note writes the notes about what is left out.
func (o *omissions) note(r *syntax.Report) {
	r.Subject = ""
	for _, m := range o.all {
		switch m.count {
		case 1:
			r.NotDone(m.at, "", "%s: %s", m.what, m.text)
		case 2:
			r.NotDone(m.at, "", "%s, and 1 more line about it: %s", m.what, m.text)
		default:
			r.NotDone(m.at, "", "%s, and %d more lines about it: %s", m.what, m.count-1, m.text)
		}
	}
}
