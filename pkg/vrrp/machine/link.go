package machine

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbLink absorbs the present state of a link, for all members on it.
func (s *step) absorbLink(link event.Link) {
	down := s.f.faults.has(faultKey{link.Name, event.InterfaceDown})
	active := s.f.state() == event.Active // an Active whose link flapped announces its addresses again
	for _, m := range s.f.members {
		if m.Interface != link.Name {
			continue
		}
		port := s.f.faults.has(m.linkKey(event.Enslaved))
		idle := !active && !s.f.servesAlone(m)
		s.updateLink(m, link)
		if m.link.Usable && (down || port || idle && m.link.Downs > 0) {
			s.recover(m)
		}
	}
	s.askStations(link.Cause)
	s.followLink(link.Name)
}

// updateLink derives the faults of a member from its link. Facts may arrive out of order: Seq
// identifies the newer one, which counts, but the losses in the older one count as well.
func (s *step) updateLink(m *member, link event.Link) {
	m.link = m.link.Rest().Merge(link)
	if m.IgnoreLink && m.link.Index != 0 && m.link.AdminUp && m.link.Master == "" {
		m.link.Usable, m.link.Downs = true, 0
	}
	m.source, _ = m.SourceOn(m.link)
	s.checkMTU(m)
	if !m.link.Usable {
		m.recovery = nil
	}
	wrong, err := m.linkFault()
	if wrong.reason != "" {
		s.raiseLinkFault(m, wrong, err)
	}
	for _, key := range m.linkFaults() {
		was, stood := s.f.faults[key]
		if !stood || key == wrong || s.f.trackers.Causes(key.source, key.reason) { // a tracker of the same link may cause the fault as well
			continue
		}
		if wrong.reason != "" { // this must not restart the waits
			s.f.faults.remove(key)
		} else {
			s.clear(key, trigger{linkEndReason(key.reason), m, m.link.Cause})
		}
		if was.err != "" {
			s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Over: true})
		}
	}
}

// raiseLinkFault raises a fault of a member's link, and reports it if the fault has details
// beyond its reason.
func (s *step) raiseLinkFault(m *member, key faultKey, err string) {
	known := s.f.faults.has(key)
	s.raise(key, err, trigger{key.reason, m, m.link.Cause})
	if !known && err != "" {
		s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Err: err})
	}
}

// linkEndReason returns the reason of the transition at the end of a link fault.
func linkEndReason(reason event.Reason) event.Reason {
	switch reason {
	case event.InterfaceDown, event.Enslaved:
		return event.InterfaceUp
	}
	return event.PrimaryAddress
}

// checkMTU raises a fault while the adverts are larger than the link allows.
func (s *step) checkMTU(m *member) {
	if !m.link.Usable {
		return
	}
	in := vrrp.Condition{Cause: m.link.Cause, Instance: m.Name, Reason: event.AdvertTooLong, On: m.tooLong()}
	if in.On {
		in.Err = fmt.Sprintf("an advert of %d addresses has %d bytes, the MTU of %s is %d, and what leaves from a virtual MAC is not fragmented: "+
			"raise the MTU on all routers, move addresses to extra_addresses, or set virtual_mac_adverts: false",
			len(m.Addresses), m.PacketLen(), m.Interface, m.link.MTU)
	}
	s.absorbCondition(in)
}

// followLink updates the adverts of an Active after a change of their link, and announces the
// addresses again after a loss that was over before it was read.
func (s *step) followLink(link string) {
	var flapped *member
	for _, m := range s.f.members {
		if m.Interface != link || !s.f.serves(m) {
			continue
		}
		s.updateAdvert(m, m.link.Cause)
		if m.link.Downs == 0 {
			continue
		}
		m.flapped = s.now
		if s.f.listening == nil {
			flapped = m
			s.emit(vrrp.AdvertiseNow{Cause: m.link.Cause, Instance: m.Instance})
		}
	}
	if flapped != nil {
		s.reannounce(flapped.link.Cause)
	}
}

// updateAdvert replaces the ordered adverts of an Active if their content has changed.
func (s *step) updateAdvert(m *member, cause event.Cause) {
	if m.ordered != m.content() {
		s.advertise(m, cause)
	}
}

func (s *step) advertise(m *member, cause event.Cause) { s.emit(m.advert(cause)) }

// reannounce announces the addresses again if they are held.
func (s *step) reannounce(cause event.Cause) {
	if s.f.confirmBy.IsZero() {
		s.emit(vrrp.Reannounce{Cause: cause, Only: s.f.serving()})
	}
}

// recover begins the recovery of a member whose link was lost and has returned (recovery.go).
func (s *step) recover(m *member) {
	if !s.f.started || m.Priority == vrrp.Owner || m.Recovery.Wait <= 0 {
		return
	}
	if s.f.state() == event.Backup {
		s.why = trigger{event.InterfaceDown, m, m.link.Cause}
	}
	s.f.unverify()
	m.recovery = newRecovery(s.now, m.Recovery.Wait, m.Instance.Interval)
	s.report(event.InstanceHolding{
		Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: event.HoldRecovery, Until: m.recovery.until,
	})
}

// recoverFlapped begins the recovery of each member whose link was lost and had returned before
// the loss was read. As Active it needed no recovery, but now that it waits again its segment
// must prove that it forwards, unless a packet has come through it since.
func (s *step) recoverFlapped() {
	for _, m := range s.f.members {
		if !m.flapped.IsZero() && s.now.Before(m.flapped.Add(m.Recovery.Wait)) {
			s.recover(m)
		}
		m.flapped = time.Time{}
	}
}

// countAdvert counts an advert of the current Active: enough of them end the recovery.
func (s *step) countAdvert(m *member, h *vrrp.Heard) {
	if m.recovery == nil || h.Source != m.others.Best.Source {
		return
	}
	if m.recovery.count(h.Source, h.Cause.At, m.Recovery.Adverts) {
		s.endRecovery(m, trigger{event.Recovered, m, h.Cause})
	}
}

// endRecoveries ends the recoveries whose time is over. The takeover counts as due at that
// instant, not before, so it cannot count as late.
func (s *step) endRecoveries(in vrrp.Tick) {
	for _, m := range s.f.members {
		if m.recovery == nil {
			continue
		}
		if at := m.recovery.over(m.downAt); !s.now.Before(at) {
			if m.downAt.Before(at) {
				m.downAt = at
			}
			s.endRecovery(m, trigger{event.Recovered, m, event.Cause{Trace: in.Cause.Trace, At: at}})
		}
	}
}

func (s *step) endRecovery(m *member, why trigger) {
	m.recovery = nil
	if !s.f.members.recovering() && len(s.f.faults) == 0 {
		s.why = why
		s.f.members.delayPreemption(s.now)
	}
}

// askStations asks the stations on each recovering link that has not proved that it forwards, if the
// question is due.
func (s *step) askStations(cause event.Cause) {
	if links := s.f.members.ask(s.now); len(links) > 0 {
		s.emit(vrrp.Ask{Cause: cause, Interfaces: links})
	}
}
