package keepalived

import (
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// linkSettings are the settings of an interface.
type linkSettings struct {
	name     syntax.Word
	monitor  syntax.Word
	down, up length
}

// links are the interfaces with settings, in the order of the file.
type links struct {
	all    []*linkSettings
	byName map[string]*linkSettings
}

// A garpGroup is a garp_group: the spacing of announcements on its interfaces.
type garpGroup struct {
	garp, gna  length
	interfaces []syntax.Word
}

// join puts the interfaces into the group. An interface stays in the first group that names it.
func (g *garpGroup) join(t *translator) {
	for _, w := range g.interfaces {
		if t.globals.garpGroups[w.Text] != nil {
			t.Ignore(w.Position, "leave one out", "%s is in a garp_group already", syntax.Show(w.Text))
			continue
		}
		t.globals.garpGroups[w.Text] = g
	}
}

// of returns the settings of an interface.
func (ls *links) of(name syntax.Word) *linkSettings {
	if l := ls.byName[name.Text]; l != nil {
		return l
	}
	l := &linkSettings{name: name}
	ls.byName[name.Text] = l
	ls.all = append(ls.all, l)
	return l
}

// readDelays reads one interface per line, with the delays of its loss and its return.
func (ls *links) readDelays(r *syntax.Report, s *syntax.Statement) {
	for _, entry := range s.Block {
		if len(entry.Words) < 2 {
			r.Ignore(entry.At(), "", "%s has no delay: the line is left out", entry.Title())
			continue
		}
		if !isLink(entry.Word(0)) {
			r.Ignore(entry.At(), "", "%s cannot be the name of an interface: it is left out", syntax.Show(entry.Word(0)))
			continue
		}
		l := ls.of(entry.Words[0])
		l.down = secondsIn(r, entry.Words[1], 0, 255*time.Second, "there is no delay")
		if len(entry.Words) > 2 {
			l.up = secondsIn(r, entry.Words[2], 0, 255*time.Second, "there is no delay")
		}
	}
}

// readMonitors reads one interface per line, with the way its link is watched.
func (ls *links) readMonitors(r *syntax.Report, s *syntax.Statement) {
	for _, entry := range s.Block {
		if !isLink(entry.Word(0)) {
			r.Ignore(entry.At(), "", "%s cannot be the name of an interface: it is left out", syntax.Show(entry.Word(0)))
			continue
		}
		l := ls.of(entry.Words[0])
		switch entry.Word(1) {
		case "":
		case "MII":
			l.monitor = syntax.Word{Text: "mii", Position: entry.Words[1].Position}
		case "ETHTOOL":
			l.monitor = syntax.Word{Text: "ethtool", Position: entry.Words[1].Position}
		case "IOCTL":
		default:
			r.Ignore(entry.Words[1].Position, "write MII or ETHTOOL", "%s is not a method to monitor a link: it is left out", syntax.Show(entry.Word(1)))
		}
	}
}

// tree returns an entry of links.
func (l *linkSettings) tree() builder {
	m := newMap(l.name.Position, "")
	if l.monitor.Text != "" {
		m.text("monitor", l.monitor.Position, l.monitor.Text)
	}
	m.duration("down_delay", whole(l.down, time.Millisecond))
	m.duration("up_delay", whole(l.up, time.Millisecond))
	return m
}

// tree returns the section links, without interfaces that have no settings.
func (ls *links) tree(at tree.Position) builder {
	m := newMap(at, "")
	for _, l := range ls.all {
		m.nested(l.name.Text, l.tree())
	}
	return m
}
