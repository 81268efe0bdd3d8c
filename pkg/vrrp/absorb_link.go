package vrrp

import (
	"time"

	"ripcord/pkg/event"
)

// absorbLink takes what is known of a link now, for all members on it.
func (s *step) absorbLink(link event.Link) {
	_, down := s.f.faults[faultKey{link.Name, event.InterfaceDown}]
	idle := s.f.state() != event.Active // an Active that flapped announces itself again
	for _, m := range s.f.members {
		if m.Interface != link.Name {
			continue
		}
		_, port := s.f.faults[faultKey{m.Name, event.Enslaved}]
		s.see(m, link)
		if m.link.Usable && (down || port || idle && m.link.Downs > 0) {
			s.recover(m)
		}
	}
	s.ask(link.Cause)
	if s.f.state() == event.Active {
		s.follow(link.Name)
	}
}

// see turns the link of a member into faults. Where news come out of order, Seq
// tells: the newer stands, but the losses of the older count.
func (s *step) see(m *member, link event.Link) {
	m.link = m.link.Rest().Merge(link)
	m.source = m.chooseSource()
	s.seeMTU(m)
	if !m.link.Usable {
		m.recovery = nil
	}
	wrong, err := m.linkFault()
	if wrong.reason != "" {
		s.raiseAs(m, wrong, err)
	}
	for _, key := range m.linkFaults() {
		was, stood := s.f.faults[key]
		if !stood || key == wrong {
			continue
		}
		if wrong.reason != "" { // no wait begins anew for it
			s.f.lift(key)
		} else {
			s.clear(key, because{endOf(key.reason), m, m.link.Cause})
		}
		if was.err != "" {
			s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Over: true})
		}
	}
}

// raiseAs raises a fault of a member's link with what is wrong in words.
func (s *step) raiseAs(m *member, key faultKey, err string) {
	_, known := s.f.faults[key]
	s.raise(key, time.Time{}, because{key.reason, m, m.link.Cause})
	flt := s.f.faults[key]
	flt.err = err
	s.f.faults[key] = flt
	if !known && err != "" {
		s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Err: err})
	}
}

// endOf is the reason of the transition that the end of a link's fault brings.
func endOf(reason event.Reason) event.Reason {
	switch reason {
	case event.InterfaceDown, event.Enslaved:
		return event.InterfaceUp
	}
	return event.PrimaryAddress
}

// follow lets the adverts of an Active follow what changed on their link, and
// tells the hosts again after a loss that was over before it was read.
func (s *step) follow(link string) {
	var flapped *member
	for _, m := range s.f.members {
		if m.Interface != link {
			continue
		}
		s.show(m, m.link.Cause)
		if m.link.Downs == 0 {
			continue
		}
		m.flapped = s.now
		if s.f.listening == nil {
			flapped = m
			s.emit(AdvertiseNow{m.link.Cause, m.Instance})
		}
	}
	if flapped != nil {
		s.reannounce(flapped.link.Cause)
	}
}

// show replaces the adverts of an Active if they are not what they should be.
func (s *step) show(m *member, cause event.Cause) {
	if m.shown != m.look() {
		s.advertise(m, cause)
	}
}

func (s *step) advertise(m *member, cause event.Cause) { s.emit(s.advert(m, cause)) }

// advert is the order to send what a member has to say now.
func (s *step) advert(m *member, cause event.Cause) Advertise {
	m.shown = m.look()
	return Advertise{
		Cause: cause, Instance: m.Instance,
		Index: m.shown.index, Source: m.shown.source, Checksum: m.shown.checksum, Priority: m.shown.priority,
	}
}

// raise adds a fault, unless it stands already. A zero until means that only
// its source takes it back. The first one bears the blame for the move.
func (s *step) raise(key faultKey, until time.Time, why because) {
	if _, ok := s.f.faults[key]; ok {
		return
	}
	if len(s.f.faults) == 0 {
		s.why, s.f.faults = why, make(map[faultKey]fault)
	}
	s.f.faults[key] = fault{since: s.now, until: until}
	s.f.unverify()
}

// clear takes a fault back. With the last one the waits begin anew.
func (s *step) clear(key faultKey, why because) {
	if _, ok := s.f.faults[key]; !ok {
		return
	}
	s.f.lift(key)
	if len(s.f.faults) == 0 {
		s.why = why
		s.f.restart(s.now, event.Fault, why)
	}
}
