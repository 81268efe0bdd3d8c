package link

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/hint"
)

// step is the processing of one observation. It changes the table and collects the outcome; it
// exists only during one call of Table.Observe.
//
// changes.go records the description of a link, resync.go a dump. Both pass each link that may have
// changed to decide.go, which chooses its monitor, decides whether it is usable, and publishes
// that.
type step struct {
	*Table
	record
}

// observe processes the observation and sets its source.
func (s *step) observe(o Observation) {
	switch o := o.(type) {
	case *Answer:
		s.source = o.Source
		s.answered(o)
	case *Unanswered:
		s.source = o.Source
		s.unanswered(o)
	case Examined:
		s.source = event.Confirm
		s.examined(o)
	case LinkSeen:
		if e, unseen, ok := s.describe(o.Link); ok {
			s.settle(e, unseen)
		}
	case LinkGone:
		if e := s.byIndex[o.Index]; e != nil {
			s.remove(e)
		}
	case AddressSeen:
		s.addressChanged(s.putAddress(o.Address))
	case AddressGone:
		s.addressChanged(s.takeAddress(o.Address))
	case Explained:
		s.source = event.Ethtool
		s.explained(o)
	case PeriodChanged:
		s.periodChanged(o)
	case Hinted:
		s.source = event.Confirm
		s.hinted(o.Record)
	case HintsOpened:
		s.hintsOpened(o.Hints)
	case Reconfigured:
		s.source = event.Resync
		s.reconfigured(o)
	case Elapsed:
		s.elapsed()
	case Dump:
		s.source = event.Resync
		s.compare(o)
	}
}

// answered records the answer of a source that was asked.
func (s *step) answered(a *Answer) {
	e := s.born(a.Index, a.Birth)
	if e == nil {
		return
	}
	v := e.votes.of(a.Source)
	if v == nil {
		e.votes.admit(a.Source, a.Up, s.at)
		return
	}
	// The latch may show a loss from before the last answer, or one that was already published:
	// such a loss is ignored.
	flapped, before := a.Flapped && !v.down && !e.losses.published.After(v.at), v.at
	changed := v.answer(a.Up, s.at)
	if changed {
		s.noteDenial(e)
	}
	if a.Source == event.Confirm {
		s.compareHints(e, v, changed, before)
	}
	learned := a.Source == event.MII && e.choice.compare(e.seen, v)
	switch {
	case changed:
		s.settle(e, 0)
	case flapped:
		e.losses.see(s.at)
		s.settle(e, 1)
	case learned:
		s.settle(e, 0)
	}
}

// compareHints compares the confirmer's answer with the hints about the link.
func (s *step) compareHints(e *entry, v *vote, changed bool, before time.Time) {
	if s.usesHints(e) && e.hints.compare(e.seen.AdminUp, changed, before, v) {
		s.Replan = true
		s.chooseMonitor(e)
	}
}

// noteDenial updates the set of links about which a source that was asked reports down: these are
// asked until the source takes that back.
func (s *step) noteDenial(e *entry) {
	if e.votes.down() {
		s.denied[e] = true
	} else {
		delete(s.denied, e)
	}
	s.Replan = true
}

// unanswered records that a source did not answer.
func (s *step) unanswered(u *Unanswered) {
	e := s.born(u.Index, u.Birth)
	if e == nil {
		return
	}
	othersUp := e.seen.up() && e.seen.OperState == event.OperUp || e.votes.up()
	if !e.votes.unanswered(u.Source, s.at, othersUp) {
		return
	}
	s.noteDenial(e)
	withdrawn := event.LinkMonitored{
		Stamp: event.Stamp{At: s.at}, Interface: e.seen.Name, Monitor: string(e.choice.monitor),
		Why: fmt.Sprintf("%s reported that there is no link and does not answer any more: its report does not count until it answers again", u.Source),
	}
	if !othersUp {
		withdrawn.Monitor = event.Unmonitored
	}
	s.log(withdrawn)
	s.settle(e, 0)
}

// hinted processes a record of the kernel.
func (s *step) hinted(r hint.Record) {
	e := s.byIndex[r.Index]
	if e == nil || !s.usesHints(e) {
		return
	}
	var settled bool
	switch r.Kind {
	case hint.Flagged:
		settled = e.hints.flag()
	case hint.Changed:
		settled = e.hints.hear(r.At)
		if e.seen.AdminUp && s.relevant(e) {
			e.hints.pending, s.Ask = true, true
		}
	}
	if settled {
		s.Replan = true
		s.chooseMonitor(e)
	}
}

// hintsOpened records whether there are hints, and decides again how often each link is asked.
func (s *step) hintsOpened(h Hints) {
	s.hints, s.Replan = h, true
	for _, e := range slices.Clone(s.order) {
		s.chooseMonitor(e)
	}
}

// examined records which sources can be asked about a link.
func (s *step) examined(x Examined) {
	e := s.born(x.Index, x.ID)
	if e == nil {
		return
	}
	e.choice.examine(x.Capabilities)
	s.Replan = true
	if x.Known && !x.GLINK { // the kernel's flag is requested instead
		e.hints.flag()
	}
	if x.Known {
		s.answered(&Answer{Source: event.Confirm, Index: x.Index, Birth: x.ID, Up: x.Carrier})
	}
	s.settle(e, 0)
}

// explained records the reason of an outage, and publishes it with the cause of the loss.
func (s *step) explained(x Explained) {
	e := s.born(x.Index, x.Birth)
	if e == nil || !e.outage.explain(x.Reason) || x.Reason == "" {
		return
	}
	s.cause = e.outage.cause
	s.judge(e, 0)
	s.judgeUpper(e)
}

// periodChanged records how often a link is asked. Only Links shows it, since it is irrelevant to
// subscribers that act on links.
func (s *step) periodChanged(p PeriodChanged) {
	e := s.born(p.Index, p.Birth)
	if e == nil {
		return
	}
	now := period{p.Every, p.Stretched}
	if p.Source == event.Confirm {
		e.confirm = now
	} else {
		e.poll = now
	}
	if p.Why != "" {
		s.log(event.LinkStretched{
			Stamp: event.Stamp{At: s.at}, Interface: s.label(e), Period: p.Every, Why: p.Why, Restored: !p.Stretched,
		})
	}
}

// addressChanged postpones the choice of a link's sources to the end of the batch of changes.
func (s *step) addressChanged(l *linkAddresses) {
	switch {
	case !s.expectsSources(s.byIndex[l.index]):
		s.addresses.dropEmpty(l)
	case s.addresses.postpone(l, s.at):
		s.Sooner = true
	}
}

// elapsed decides about the links whose delay is over, and chooses the sources of those whose
// addresses have not changed for a while.
func (s *step) elapsed() {
	for _, e := range s.delayedUntil(s.at) {
		s.settle(e, 0)
	}
	for _, index := range sortedKeys(s.addresses.unsettled) {
		if l := s.addresses.unsettled[index]; l != nil && !s.at.Before(l.due) {
			s.chooseSources(l)
		}
	}
}

// reconfigured takes over a new configuration, and decides again about all links that it may
// affect.
func (s *step) reconfigured(to Reconfigured) {
	before := s.known
	s.configure(to)
	s.addresses.configure(to.Sources)
	for _, e := range slices.Clone(s.order) {
		e.watched = false
		for name := range e.seen.names {
			e.watched = e.watched || s.known[name]
		}
		s.chooseSources(s.addresses.on(e.seen.Index))
		s.settle(e, 0)
	}
	for _, name := range s.watched {
		if !before[name] && s.byName[name] == nil {
			s.publishAbsentName(name)
		}
	}
	s.Replan = true
}
