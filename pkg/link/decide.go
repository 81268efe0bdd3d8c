package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// chooseSources chooses the sources of a link again, and publishes them if they have changed.
func (s *step) chooseSources(l *linkAddresses) {
	s.addresses.settle(l)
	e, was := s.byIndex[l.index], l.chosen
	if !s.expectsSources(e) {
		l.chosen = chosen{}
		s.addresses.dropEmpty(l)
		return
	}
	l.chosen = s.addresses.choose(l)
	if e.seen.Local && s.addresses.noteLocal(l) {
		s.rechooseSources()
	}
	changed := l.chosen != was
	s.addresses.dropEmpty(l)
	if changed {
		s.settle(e, 0)
	}
}

// rechooseSources chooses the sources of all watched links, because the addresses of a loopback
// link have changed.
func (s *step) rechooseSources() {
	for _, e := range s.watchedLinks(false) {
		if !e.seen.Local {
			s.chooseSources(s.addresses.on(e.seen.Index))
		}
	}
}

// settle decides about a link, and about the links stacked on it if the state that its sources
// report has changed. unseen is the number of losses that the kernel counted and no source saw.
func (s *step) settle(e *entry, unseen int) {
	s.chooseMonitor(e)
	if s.judge(e, unseen) {
		s.judgeUpper(e)
	}
}

// chooseMonitor chooses the monitor of a link again, and logs a new monitor or a new reason.
func (s *step) chooseMonitor(e *entry) {
	c := &e.choice
	if !c.examined || !e.seen.AdminUp {
		return
	}
	settings, lower := s.settingsOf(e), ""
	if parent := s.byIndex[e.seen.Parent]; parent != nil {
		lower = parent.seen.Name
	}
	changed, replan := c.update(settings.Monitor, lower)
	s.Replan = s.Replan || replan
	if hinting := s.hinting(e); hinting != c.hinting {
		c.hinting, changed = hinting, true
	}
	if !changed || !s.relevant(e) {
		return
	}
	why := c.why
	if c.monitor != none {
		why += "; " + c.describeAsking(settings, e.hints.flagged)
	}
	line := event.LinkMonitored{Stamp: s.stamp(), Interface: s.label(e), Monitor: string(c.monitor), Why: why}
	if message := line.Message(); message != c.logged {
		c.logged = message
		s.log(line)
	}
}

// judgeUpper judges the links stacked on a link, by index.
func (s *step) judgeUpper(e *entry) {
	if s.carries(e) {
		for _, child := range slices.SortedFunc(s.upper(e), byIndex) {
			s.judge(child, 0)
		}
	}
}

// judge publishes the fact about a link if it has changed. It reports whether the state that all
// sources report has changed, or is the first.
func (s *step) judge(e *entry, unseen int) (changed bool) {
	was, raw := e.fact, s.usable(e)
	changed = raw != e.debounce.raw || was.Seq == 0
	e.losses.add(e.debounce.raw, raw, unseen, s.at)
	s.noteOutage(e)
	usable, source := s.debounced(e, raw)
	downs := e.losses.take(was.Usable, e.debounce.delays(), s.at)
	now := s.factOf(e, usable, downs)
	if usable != was.Usable || downs > 0 || was.Seq == 0 {
		now.LastChange, now.LastSource, now.Unchanged = s.at, source, !s.started
	}
	if now == was {
		s.publishAlternatives(e, now, false)
		return changed
	}
	now = s.publish(now)
	s.publishAlternatives(e, now, true)
	if was.Usable && !usable {
		e.outage.cause = now.Cause
	}
	s.logChanges(e, was, now, source)
	e.formerName = ""
	e.fact = now.Rest()
	return changed
}

// noteOutage schedules a query of the driver for the reason when the carrier is lost.
func (s *step) noteOutage(e *entry) {
	absent := e.seen.AdminUp && (!e.seen.LowerUp || e.votes.down())
	if e.outage.update(absent, func() bool { return s.relevant(e) }) && e.outage.query {
		s.Query = true
	}
}

// debounced returns the link's state after up_delay and down_delay, and the source that reported it
// first.
func (s *step) debounced(e *entry, raw bool) (usable bool, source event.Source) {
	usable, source = e.debounce.update(raw, e.fact.Usable, s.source, s.at, func(usable bool) time.Duration {
		switch settings := s.settingsOf(e); {
		case !s.started:
			return 0
		case usable:
			return settings.DownDelay
		default:
			return settings.UpDelay
		}
	})
	switch {
	case !e.debounce.delays():
		delete(s.delayed, e)
	case !s.delayed[e]:
		s.delayed[e], s.Sooner = true, true
	}
	return usable, source
}

// factOf returns the present fact about a link, with the cause, number and last change of the
// previous fact.
func (s *step) factOf(e *entry, usable bool, downs int) event.Link {
	seen, was := &e.seen, &e.fact
	now := event.Link{
		Cause: was.Cause, Seq: was.Seq, LastChange: was.LastChange, LastSource: was.LastSource, Unchanged: was.Unchanged,
		Name: seen.Name, Index: seen.Index, Usable: usable, Downs: downs,
		AdminUp: seen.AdminUp, Carrier: seen.LowerUp && !e.votes.down(), OperState: seen.OperState,
		MTU: seen.MTU, HardwareAddr: seen.HardwareAddr, NoARP: seen.NoARP, Monitor: string(e.choice.monitor), Reason: s.reason(e),
		Master: s.master(seen), UpCount: seen.UpCount, DownCount: seen.DownCount,
	}
	if l := s.addresses.byLink[seen.Index]; l != nil {
		now.Primary4, now.LinkLocal6, now.Sources, now.Duplicate = l.primary4, l.linkLocal6, l.sources, l.duplicate
		now.Owned = l.owned
	}
	return now
}

// publishAlternatives publishes a link under those of its alternative names that the configuration
// uses: under all of them if the fact has changed, otherwise under those not published yet.
func (s *step) publishAlternatives(e *entry, l event.Link, changed bool) {
	for _, name := range e.seen.AltNames {
		published := slices.Contains(e.published, name)
		if !s.configured[name] || published && !changed {
			continue
		}
		if !published {
			e.published = append(e.published, name)
		}
		l.Name, l.Device = name, e.seen.Name
		s.publish(l)
	}
}

// logChanges logs the differences between a fact about a link and the previous one.
func (s *step) logChanges(e *entry, was, now event.Link, source event.Source) {
	if label := s.label(e); label != now.Name {
		now.Name, now.Device = label, now.Name
	}
	switch {
	case e.formerName != "":
		s.logChange(e, event.LinkRenamed, now, source, e.formerName)
	case was.Seq == 0:
		s.logChange(e, event.LinkAdded, now, source, "")
	}
	switch {
	case now.Usable && !was.Usable:
		s.logChange(e, event.LinkUp, now, source, "")
	case was.Usable && !now.Usable:
		s.logChange(e, event.LinkDown, now, source, "")
	case now.Downs > 0:
		s.logChange(e, event.LinkFlapped, now, source, "")
	case !now.Usable && now.Reason != "" && was.Reason == "":
		s.logChange(e, event.LinkReason, now, source, "")
	}
}

// logChange logs a change of a link that is watched, or was watched under its former name. A change
// of its state comes with the votes of all sources on the link and on the links beneath it.
func (s *step) logChange(e *entry, kind event.LinkKind, l event.Link, source event.Source, formerName string) {
	if !s.started || !e.watched && !s.known[formerName] {
		return
	}
	changed := event.LinkChanged{Stamp: s.stamp(), Kind: kind, Link: l, Source: source, Was: formerName}
	switch kind {
	case event.LinkUp, event.LinkDown, event.LinkFlapped:
		for e := range s.lower(e) {
			changed.Votes = e.votes.collect(changed.Votes)
			if hint := e.hints.last; s.at.Sub(hint) < time.Second && hint.After(changed.Hint) {
				changed.Hint = hint
			}
		}
	}
	s.log(changed)
}
