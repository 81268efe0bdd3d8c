package link

import (
	"maps"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

// takeBack is how often a link is asked whose Confirm is 0 while somebody who
// was asked says down: else nobody could take that word back.
const takeBack = 100 * time.Millisecond

// Target is a link to ask for its carrier.
type Target struct {
	nic.Device
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
	asked := t.relevant()
	t.visit++
	for _, e := range asked {
		e.met = t.visit
	}
	for e := range t.denied {
		if e.met != t.visit {
			asked = append(asked, e)
		}
	}
	slices.SortFunc(asked, byIndex)
	for _, e := range asked {
		every := t.settingsOf(e).Poll
		for _, source := range []event.Source{event.Ethtool, event.MII} {
			w := e.word(source)
			if every > 0 && (e.choice.polled == source && e.met == t.visit || w != nil && w.down) {
				dst = append(dst, Poll{Target: target(e, every), Source: source})
			}
		}
	}
	return dst
}

// Unexamined appends the links whose means are to be found out, each time that
// they are set up: many drivers answer only then.
func (t *Table) Unexamined(dst []Target) []Target {
	for _, e := range t.relevant() {
		if !e.choice.examined && e.seen.AdminUp {
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

func target(e *entry, every time.Duration) Target {
	return Target{Device: nic.Device{Index: e.seen.Index, ID: e.birth, Name: e.seen.Name}, Every: every, MII: e.choice.polled == event.MII}
}

// Revision changes whenever Targets, Polls or Unexamined would.
func (t *Table) Revision() uint64 { return t.revision }

// Targets appends the links that must be asked: the engaged ones with all they
// stand on, since a device on top learns of its parent's loss no sooner than
// the kernel announces it; and those of which a source that was asked says
// down. Each is there once, with the shortest of its periods.
func (t *Table) Targets(dst []Target, engaged []string) []Target {
	walk := t.walk(dst)
	for _, name := range engaged {
		if e := t.byName[name]; e != nil {
			if period := t.settingsOf(e).Confirm; period > 0 {
				walk.down(e, period)
			}
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(t.denied), byIndex) {
		period := t.settingsOf(e).Confirm
		if period <= 0 {
			period = takeBack
		}
		walk.add(e, period)
	}
	return walk.dst
}

// Underneath appends the links of these names and all they stand on, each once.
func (t *Table) Underneath(dst []Target, period time.Duration, names ...string) []Target {
	walk := t.walk(dst)
	for _, name := range names {
		walk.down(t.byName[name], period)
	}
	return walk.dst
}

// walk collects targets, each link once.
type walk struct {
	table *Table
	dst   []Target
}

func (t *Table) walk(dst []Target) walk {
	t.visit++
	return walk{table: t, dst: dst}
}

// down adds a link and all it stands on.
func (w *walk) down(e *entry, period time.Duration) {
	for i := 0; e != nil && i < maxDepth; i++ {
		w.add(e, period)
		e = w.table.byIndex[e.seen.Parent]
	}
}

// add adds a link, or shortens its period to the one named.
func (w *walk) add(e *entry, period time.Duration) {
	if e.met == w.table.visit {
		t := &w.dst[e.turn]
		t.Every = min(t.Every, period)
		return
	}
	e.met, e.turn = w.table.visit, len(w.dst)
	w.dst = append(w.dst, target(e, period))
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
			Stamp: event.Stamp{At: t.at}, Interface: e.label(t), Period: p.Every, Why: p.News, Restored: !now.stretched,
		})
	}
}
