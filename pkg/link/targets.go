package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// takeBack is how often a link is asked whose Confirm is 0 while somebody who
// was asked says down: else nobody could take that word back.
const takeBack = 100 * time.Millisecond

// Target is a link to ask for its carrier.
type Target struct {
	Index int
	Birth uint64 // tells the link from a successor with the same index
	Name  string
	Every time.Duration
	MII   bool // its transceiver is what tells, or may be
}

// Poll is a link and the source that is to ask it.
type Poll struct {
	Target
	Source event.Source
}

// Polls appends what the poller is to ask: each watched link and what is
// beneath it, if its choice says so or while its word must be taken back.
func (t *Table) Polls(dst []Poll) []Poll {
	for _, e := range t.order {
		every := t.settings(e.seen.Name).Poll
		for _, source := range []event.Source{event.Ethtool, event.MII} {
			w := e.word(source)
			if every > 0 && (e.choice.polled == source && t.beneath(e) || w != nil && w.down) {
				dst = append(dst, Poll{Target: target(e, every), Source: source})
			}
		}
	}
	return dst
}

// Unexamined appends the links whose means are to be found out, each time that
// they are set up: many drivers answer only then.
func (t *Table) Unexamined(dst []Target) []Target {
	for _, e := range t.order {
		if !e.choice.examined && e.seen.AdminUp && t.beneath(e) {
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

func target(e *entry, every time.Duration) Target {
	return Target{Index: e.seen.Index, Birth: e.birth, Name: e.seen.Name, Every: every, MII: e.choice.polled == event.MII}
}

// Revision changes whenever Targets, Polls or Unexamined would.
func (t *Table) Revision() uint64 { return t.revision }

// Targets appends the links that must be asked: the engaged ones with all they
// stand on, since a device on top learns of its parent's loss no sooner than
// the kernel announces it; and those of which a source that was asked says
// down.
func (t *Table) Targets(dst []Target, engaged []string) []Target {
	for _, name := range engaged {
		if period := t.settings(name).Confirm; period > 0 {
			dst = t.Underneath(dst, name, period)
		}
	}
	for _, e := range t.order {
		if !e.denied() {
			continue
		}
		period := t.settings(e.seen.Name).Confirm
		if period <= 0 {
			period = takeBack
		}
		dst = include(dst, e, period)
	}
	return dst
}

// Underneath appends the link of that name and all it stands on.
func (t *Table) Underneath(dst []Target, name string, period time.Duration) []Target {
	e := t.byName[name]
	for i := 0; e != nil && i < maxDepth; i++ {
		dst = include(dst, e, period)
		e = t.byIndex[e.seen.Parent]
	}
	return dst
}

// include adds a target, each link once, with the shortest period named.
func include(dst []Target, e *entry, period time.Duration) []Target {
	i := slices.IndexFunc(dst, func(o Target) bool { return o.Index == e.seen.Index })
	if i < 0 {
		return append(dst, target(e, period))
	}
	dst[i].Every = min(dst[i].Every, period)
	return dst
}

// period is how often a link is asked; 0 if it is not.
type period struct {
	every     time.Duration
	stretched bool
}

// paced takes in how often a link is asked now. That is no fact for those who
// act on links: only Links shows it.
func (t *Table) paced(p Paced) {
	e := t.byIndex[p.Index]
	if e == nil || e.birth != p.Birth {
		return
	}
	now := period{p.Every, !about(p.Every, p.Configured)}
	if p.Source == event.Confirm {
		e.confirm = now
	} else {
		e.poll = now
	}
	if p.News != "" {
		t.out.Events = append(t.out.Events, event.LinkStretched{
			Stamp: event.Stamp{At: t.at}, Interface: e.seen.Name, Period: p.Every, Why: p.News, Restored: !now.stretched,
		})
	}
}
