package link

import (
	"maps"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

// takeBack is the period at which a link with Confirm 0 is asked while a source that was asked
// reports down: otherwise the source could not take that back.
const takeBack = 100 * time.Millisecond

// Target is a link to ask for its carrier.
type Target struct {
	nic.Device // its ID is the link's birth
	Every      time.Duration
	MII        bool // its transceiver is the monitor, or may be
}

// Poll is a link and the source to ask about it.
type Poll struct {
	Target
	Source event.Source
}

func target(e *entry, every time.Duration) Target {
	return Target{Device: nic.Device{Index: e.seen.Index, ID: e.birth, Name: e.seen.Name}, Every: every, MII: e.choice.polled == event.MII}
}

// Targets appends the links that must be asked: the engaged ones and all links beneath them, since
// an upper device learns of its parent's loss no sooner than the kernel announces it; and those
// about which a source that was asked reports down. It appends each once, with the shortest of its
// periods.
func (t *Table) Targets(dst []Target, engaged []string) []Target {
	list := t.newTargetList(dst)
	for _, name := range engaged {
		if e := t.byName[name]; e != nil {
			period := t.settingsOf(e).Confirm
			for e := range t.lower(e) {
				if period > 0 {
					list.add(e, t.confirmEvery(e, period))
				}
			}
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(t.denied), byIndex) {
		period := t.confirmEvery(e, t.settingsOf(e).Confirm)
		if period <= 0 {
			period = takeBack
		}
		list.add(e, period)
	}
	return list.dst
}

// confirmEvery returns how often the confirmer asks a link; period is the Confirm of a link that is
// or may be on top of it. If hints suffice, that is no more often than the link is polled.
func (t *Table) confirmEvery(e *entry, period time.Duration) time.Duration {
	if period > 0 && t.usesHints(e) && e.hints.suffice() {
		return max(period, t.settingsOf(e).Poll)
	}
	return period
}

// Underneath appends the links of these names and all links beneath them, each once.
func (t *Table) Underneath(dst []Target, period time.Duration, names ...string) []Target {
	list := t.newTargetList(dst)
	for _, name := range names {
		for e := range t.lower(t.byName[name]) {
			list.add(e, period)
		}
	}
	return list.dst
}

// Polls appends the questions of the poller: about each watched link and those beneath it whose
// monitor is polled, and about each link that a polled source has reported down.
func (t *Table) Polls(dst []Poll) []Poll {
	begin := len(dst)
	add := func(e *entry, relevant bool) {
		every := t.settingsOf(e).Poll
		for _, source := range []event.Source{event.Ethtool, event.MII} {
			v := e.votes.of(source)
			if every > 0 && (relevant && e.choice.polled == source || v != nil && v.down) {
				dst = append(dst, Poll{Target: target(e, every), Source: source})
			}
		}
	}
	for _, e := range t.watchedLinks(true) {
		add(e, true)
	}
	for e := range t.denied {
		if t.visit(e) { // it was not among the watched ones
			add(e, false)
		}
	}
	slices.SortStableFunc(dst[begin:], func(a, b Poll) int { return a.Index - b.Index })
	return dst
}

// Unexamined appends the links whose drivers have to be examined. That is each time they are set
// up, since many drivers answer only then.
func (t *Table) Unexamined(dst []Target) []Target {
	for _, e := range t.watchedLinks(true) {
		if !e.choice.examined && e.seen.AdminUp {
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

// Unexplained appends the links whose drivers have not been asked yet why there is no carrier.
func (t *Table) Unexplained(dst []Target) []Target {
	for _, e := range t.watchedLinks(true) {
		if e.outage.query {
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

// TakeHinted appends the links of which the kernel has reported a change and that have not been
// asked since.
func (t *Table) TakeHinted(dst []Target) []Target {
	for _, e := range t.watchedLinks(true) {
		if e.hints.pending {
			e.hints.pending = false
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

// Monitor returns the monitor of the link with that index, and why it was chosen.
func (t *Table) Monitor(index int) (monitor, why string) {
	e := t.byIndex[index]
	switch {
	case e == nil:
		return event.Unmonitored, "there is no such link"
	case e.choice.why == "":
		return string(e.choice.monitor), "it is administratively down; its driver is examined when it is set up"
	}
	return string(e.choice.monitor), e.choice.why
}

// Hinting returns how hints about the link with that index are used, and why.
func (t *Table) Hinting(index int) (hinting, why string) {
	e := t.byIndex[index]
	if e == nil {
		return string(event.HintsNone), "there is no such link"
	}
	now := t.hinting(e)
	switch {
	case now == event.HintsNone:
		why = t.hints.Why
	case now == event.HintsUsed:
		why = "the kernel reports each change of its carrier flag by eBPF, and the driver answers from that flag"
	case now == event.HintsUnproven:
		why = "the kernel reports changes of its carrier flag by eBPF, and no loss has shown yet whether it does so in time"
	}
	return string(now), why
}

// targetList collects targets, each link once.
type targetList struct {
	links *registry
	dst   []Target
}

func (t *Table) newTargetList(dst []Target) targetList {
	t.newWalk()
	return targetList{links: &t.registry, dst: dst}
}

// add adds a link, or shortens its period.
func (l *targetList) add(e *entry, period time.Duration) {
	if !l.links.visit(e) {
		t := &l.dst[e.slot]
		t.Every = min(t.Every, period)
		return
	}
	e.slot = len(l.dst)
	l.dst = append(l.dst, target(e, period))
}
