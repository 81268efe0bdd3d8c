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
		s.see(m, link)
		if m.link.Usable && (down || idle && m.link.Downs > 0) {
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
	down := faultKey{link.Name, event.InterfaceDown}
	bare := faultKey{m.Virtual.Instance, event.NoPrimaryAddress}
	switch {
	case !m.link.Usable:
		m.recovery = nil
		s.raise(down, time.Time{}, because{event.InterfaceDown, m, m.link.Cause})
		s.f.lift(bare)
	case !m.source().IsValid():
		s.raise(bare, time.Time{}, because{event.NoPrimaryAddress, m, m.link.Cause})
		s.f.lift(down)
	default:
		s.clear(down, because{event.InterfaceUp, m, m.link.Cause})
		s.clear(bare, because{event.PrimaryAddress, m, m.link.Cause})
	}
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
		s.emit(Reannounce{flapped.link.Cause})
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
