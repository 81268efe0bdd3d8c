package link

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// word is the last that a source said of a link when it was asked. A source
// that has never said "up" cannot tell: its "down" does not count.
type word struct {
	source event.Source
	down   bool
	at     time.Time // when it was last said
	// upAt and downAt are when the source last began to say so; zero if it never did.
	upAt, downAt time.Time
	// muteSince is when it was asked in vain since its last answer; zero if it was not.
	muteSince time.Time
	// withdrawn: it said down and cannot be asked any more, so that does not count.
	withdrawn bool
}

// How long a source that said down is asked in vain until that does not count any
// more: where another source says up, and where there is none that can tell.
const (
	muteFor      = 3 * time.Second
	muteForAlone = time.Minute
)

// unanswered takes in that a source could not be asked, such as a transceiver that is
// gone: nobody else could take its word back, and the link would be down for ever.
func (t *Table) unanswered(u *Unanswered) {
	e := t.byIndex[u.Index]
	if e == nil || e.birth != u.Birth {
		return
	}
	w := e.word(u.Source)
	if w == nil || !w.down || w.withdrawn {
		return
	}
	if w.muteSince.IsZero() {
		w.muteSince = t.at
	}
	others := e.seen.fine() && e.seen.OperState == event.OperUp || slices.ContainsFunc(e.words, func(o word) bool { return !o.down })
	if mute := t.at.Sub(w.muteSince); mute < muteFor || !others && mute < muteForAlone {
		return
	}
	w.withdrawn = true
	if !e.denies() {
		delete(t.denied, e)
	}
	t.revision++
	news := event.LinkMonitored{
		Stamp: event.Stamp{At: t.at}, Interface: e.seen.Name, Monitor: string(e.choice.monitor),
		Why: fmt.Sprintf("%s said that there is no link and cannot be asked any more: that does not count until it answers again", u.Source),
	}
	if !others {
		news.Monitor = event.Unmonitored
	}
	t.out.Events = append(t.out.Events, news)
	t.settle(e, 0)
}

// answer absorbs what a source found. Only the source takes its word back.
func (t *Table) answer(a *Answer) {
	e := t.byIndex[a.Index]
	if e == nil || e.birth != a.Birth {
		return
	}
	w := e.word(a.Source)
	if w == nil {
		if a.Up {
			e.words = append(e.words, word{source: a.Source, at: t.at, upAt: t.at})
		}
		return
	}
	// What a latch shows of the time before the last answer, or of a loss that
	// was told already, is no news.
	flapped := a.Flapped && !w.down && !e.lost.After(w.at)
	moved := w.down == a.Up || w.withdrawn
	w.say(a.Up, t.at)
	w.muteSince, w.withdrawn = time.Time{}, false
	if moved && e.denies() {
		t.denied[e] = true
	} else if moved {
		delete(t.denied, e)
	}
	learned := a.Source == event.MII && e.choice.compare(e.seen, w)
	switch {
	case moved:
		t.revision++
		t.settle(e, 0)
	case flapped:
		e.tally.seen(t.at)
		t.settle(e, 1)
	case learned:
		t.settle(e, 0)
	}
}

// word is what the source said last; nil if it cannot tell.
func (e *entry) word(source event.Source) *word {
	for i := range e.words {
		if e.words[i].source == source {
			return &e.words[i]
		}
	}
	return nil
}

// denies reports whether a source that was asked says down.
func (e *entry) denies() bool {
	for _, w := range e.words {
		if w.down && !w.withdrawn {
			return true
		}
	}
	return false
}

// maxDepth bounds how many devices may stand on one another.
const maxDepth = 8

// usable reports whether the link can be used (docs/architecture.md#link-state): every source says up, for the
// link and for all that it stands on, and the link itself is no port of another
// device. A VLAN on such a port hears what is for it.
func (t *Table) usable(e *entry) bool {
	if e.seen.captive() {
		return false
	}
	for range maxDepth {
		if !e.seen.fine() || e.denies() {
			return false
		}
		parent := t.byIndex[e.seen.Parent]
		if parent == nil {
			return !e.orphan
		}
		e = parent
	}
	return true
}

// settle judges a link, and what stands on it if what is said of it has changed.
func (t *Table) settle(e *entry, losses int) {
	t.decide(e)
	if t.judge(e, losses) {
		t.judgeAbove(e)
	}
}

// judgeAbove judges what stands on a link, by index.
func (t *Table) judgeAbove(e *entry) {
	if len(t.children[e.seen.Index]) == 0 {
		return
	}
	t.visit++
	e.met = t.visit
	above := t.above(nil, e, maxDepth)
	slices.SortFunc(above, byIndex)
	for _, child := range above {
		t.judge(child, 0)
	}
}

// above appends what stands on a link and has not been met on this walk.
func (t *Table) above(dst []*entry, e *entry, depth int) []*entry {
	for _, child := range t.children[e.seen.Index] {
		if depth > 0 && child.met != t.visit {
			child.met = t.visit
			dst = t.above(append(dst, child), child, depth-1)
		}
	}
	return dst
}

// judge publishes what is known of a link if that has changed, and reports
// whether what all sources say has, or is the first. losses are those that the
// kernel counted and nobody saw: beyond a loss that is seen now, each is a flap.
func (t *Table) judge(e *entry, losses int) bool {
	source := t.source // debounced may blame an earlier one
	defer func() { t.source = source }()
	was, raw := e.fact, t.usable(e)
	turned := raw != e.debounce.raw || was.Seq == 0
	e.countLosses(raw, losses, t.at)
	t.scheduleReasonQuery(e)
	now := t.describe(e)
	now.Usable = t.debounced(e)
	now.Downs = e.told()
	if now.Downs > 0 {
		e.lost = t.at
	}
	if now.Usable != was.Usable || now.Downs > 0 || was.Seq == 0 {
		now.LastChange, now.LastSource = t.at, t.source
	}
	if now == was {
		t.republish(e, now, false)
		return turned
	}
	now = t.publish(now)
	t.republish(e, now, true)
	if was.Usable && !now.Usable {
		e.loss.cause = now.Cause
	}
	t.tell(e, was, now)
	e.was = ""
	e.fact = now.Rest()
	return turned
}

// describe is the fact as it is now; Usable and Downs are left to judge.
func (t *Table) describe(e *entry) event.Link {
	s, was := e.seen, e.fact
	now := event.Link{
		Cause: was.Cause, Seq: was.Seq, LastChange: was.LastChange, LastSource: was.LastSource,
		Name: s.Name, Index: s.Index,
		AdminUp: s.AdminUp, Carrier: s.LowerUp && !e.denies(), OperState: s.OperState,
		MTU: s.MTU, HardwareAddr: s.HardwareAddr, NoARP: s.NoARP, Monitor: string(e.choice.monitor), Reason: t.reason(e),
		UpCount: s.UpCount, DownCount: s.DownCount,
	}
	if s.captive() {
		now.Master = t.masterOf(s)
	}
	if a := t.addresses[s.Index]; a != nil {
		now.Primary4, now.LinkLocal6, now.Sources, now.Duplicate = a.primary4, a.linkLocal6, a.sources, a.duplicate
		now.Owned = a.owned
	}
	return now
}

// masterOf names the device of which a link is a port, and its kind.
func (t *Table) masterOf(s Seen) string {
	name := fmt.Sprintf("ifindex %d", s.Master)
	if m := t.byIndex[s.Master]; m != nil {
		name = m.seen.Name
	}
	if s.MasterKind == "" {
		return name
	}
	return name + " (" + s.MasterKind + ")"
}

// tell logs what became of a link.
func (t *Table) tell(e *entry, was, now event.Link) {
	now = t.labelled(e, now)
	switch {
	case e.was != "":
		t.log(e, event.LinkRenamed, now, e.was)
	case was.Seq == 0:
		t.log(e, event.LinkAdded, now, "")
	}
	switch {
	case now.Usable && !was.Usable:
		t.log(e, event.LinkUp, now, "")
	case was.Usable && !now.Usable:
		t.log(e, event.LinkDown, now, "")
	case now.Downs > 0:
		t.log(e, event.LinkFlapped, now, "")
	case !now.Usable && now.Reason != "" && was.Reason == "":
		t.log(e, event.LinkReason, now, "")
	}
}

// creditLasts is how long after a loss was seen the kernel may count it: 2 s
// until a driver's watchdog notices, 1 s until linkwatch announces.
const creditLasts = 3 * time.Second

// tally compares the losses that the kernel has counted with those that were
// seen, so that each counts once, whoever tells of it first.
type tally struct {
	up, down uint32 // as last told by the kernel
	credits  int    // losses that were seen, and not yet counted
	last     time.Time
	counted  time.Time // when the kernel last told of a loss
}

// seen notes a loss at the instant at, unless it is the one of which the kernel has
// just told, with a description from before its end.
func (c *tally) seen(at time.Time) {
	if !at.Equal(c.counted) {
		c.credits, c.last = c.credits+1, at
	}
}

// count takes over the kernel's counts and returns the losses that nobody has
// seen.
func (c *tally) count(s Seen, at time.Time) int {
	losses := int(int32(s.DownCount - c.down))
	c.up, c.down = s.UpCount, s.DownCount
	if losses < 0 {
		return 0 // another device, as a dump tells
	}
	if losses > 0 {
		c.counted = at
	}
	if at.Sub(c.last) > creditLasts {
		c.credits = 0
	}
	known := min(losses, c.credits)
	c.credits -= known
	return losses - known
}

// older reports whether a description was made before what is known: the
// debounced never go back.
func (c *tally) older(s Seen) bool {
	return int32(s.DownCount-c.down) < 0 || s.DownCount == c.down && int32(s.UpCount-c.up) < 0
}
