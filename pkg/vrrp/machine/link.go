package machine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// absorbLink takes the present state of a link, for all members on it.
func (s *step) absorbLink(link event.Link) {
	_, down := s.f.faults[faultKey{link.Name, event.InterfaceDown}]
	active := s.f.state() == event.Active // an Active that flapped announces itself again
	for _, m := range s.f.members {
		if m.Interface != link.Name {
			continue
		}
		_, port := s.f.faults[faultKey{m.Name, event.Enslaved}]
		idle := !active && !s.f.servesAlone(m)
		s.updateLink(m, link)
		if m.link.Usable && (down || port || idle && m.link.Downs > 0) {
			s.recover(m)
		}
	}
	s.ask(link.Cause)
	s.followLink(link.Name)
}

// updateLink turns the link of a member into faults. Facts may come out of order: Seq tells
// the newer, which stands, but the losses of the older count.
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
		if !stood || key == wrong || s.f.trackers.Causes(key.source, key.reason) { // a tracker of the same link may cause it, too
			continue
		}
		if wrong.reason != "" { // no wait begins anew for it
			s.f.lift(key)
		} else {
			s.clear(key, trigger{endOf(key.reason), m, m.link.Cause})
		}
		if was.err != "" {
			s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Over: true})
		}
	}
}

// linkFaults returns all faults of a member's link; a member has one of them at most.
func (m *member) linkFaults() [4]faultKey {
	return [...]faultKey{
		m.linkKey(event.InterfaceDown), m.linkKey(event.Enslaved), m.linkKey(event.NoPrimaryAddress), m.linkKey(event.DuplicateAddress),
	}
}

// linkKey returns the key of a fault of a member's link: that the link is down is a fault of
// all members on it.
func (m *member) linkKey(reason event.Reason) faultKey {
	if reason == event.InterfaceDown {
		return faultKey{m.Interface, reason}
	}
	return faultKey{m.Name, reason}
}

// linkFault returns the one that it bears, and what is wrong; it has no reason where the
// link is fine.
func (m *member) linkFault() (key faultKey, err string) {
	reason, err := m.LinkFault(&m.link, m.source)
	if reason == "" {
		return faultKey{}, ""
	}
	return m.linkKey(reason), err
}

// endOf returns the reason of the transition at the end of a link's fault.
func endOf(reason event.Reason) event.Reason {
	switch reason {
	case event.InterfaceDown, event.Enslaved:
		return event.InterfaceUp
	}
	return event.PrimaryAddress
}

// followLink lets the adverts of an Active follow what changed on their link, and
// announces the addresses again after a loss that was over before it was read.
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

// updateAdvert replaces the adverts of an Active if they are not what they should be.
func (s *step) updateAdvert(m *member, cause event.Cause) {
	if m.ordered != m.content() {
		s.advertise(m, cause)
	}
}

func (s *step) advertise(m *member, cause event.Cause) { s.emit(s.advert(m, cause)) }

// advert returns the order to send a member's present advert.
func (s *step) advert(m *member, cause event.Cause) vrrp.Advertise {
	m.ordered = m.content()
	return vrrp.Advertise{
		Cause: cause, Instance: m.Instance,
		Index: m.ordered.index, Source: m.ordered.source, Checksum: m.ordered.checksum, Priority: m.ordered.priority,
		Interval: m.ordered.keptInterval,
	}
}

// An advert that is larger than the link's MTU leaves in fragments, which the kernel makes of
// what a raw socket sends. An advert from a virtual MAC bears headers of its own and is
// refused; then the others take over, and hear nothing of us either. The configuration knows
// only the common MTU, so the link's own is compared, each time that the link changes.

// tooLong reports whether the link refuses the adverts of a member for their length.
func (m *member) tooLong() bool {
	return m.VirtualMAC && m.link.MTU > 0 && m.PacketLen() > m.link.MTU
}

// checkMTU makes adverts that do not fit the link a fault.
func (s *step) checkMTU(m *member) {
	if !m.link.Usable {
		return
	}
	in := vrrp.Condition{Cause: m.link.Cause, Instance: m.Name, Reason: event.AdvertTooLong, On: m.tooLong()}
	if in.On {
		in.Err = fmt.Sprintf("an advert of %d addresses has %d bytes, the MTU of %s is %d, and what leaves from a virtual MAC is not fragmented: "+
			"raise the MTU on all routers, move addresses to extra_addresses, or leave virtual_mac out",
			len(m.Addresses), m.PacketLen(), m.Interface, m.link.MTU)
	}
	s.absorbCondition(in)
}

// A link that returns has carrier long before its segment forwards, if a switch
// keeps the port blocked for its spanning tree. Silence then says nothing of the
// Active. So the group stays in Fault, and listens, until the segments of all
// members that returned have proved themselves (docs/architecture.md#link-state).
//
// Only the return of a link asks for proof: not a start, where a router that
// serves late is worse, nor a fault of our own making or an address that came
// back, where the link forwarded all along. A loss that was over before it was
// read counts as a return, but not for an Active, which goes on and announces
// itself again, until it yields. An owner waits for nobody.

// recovery is the proof that a link which returned forwards, as far as it has come.
type recovery struct {
	back  time.Time // when it was seen to be usable again
	until time.Time // proof is not waited for longer
	// forwards: something came through the segment. The Active_Down_Timer began
	// anew then, since the silence before it proves nothing.
	forwards bool
	source   netip.Addr       // the Active that is heard
	adverts  int              // of it, since back
	ask      deadline.Backoff // of the stations
}

// recover begins the recovery of a member whose link was lost and is back.
func (s *step) recover(m *member) {
	if !s.f.started || m.Priority == vrrp.Owner || m.Recovery.Wait <= 0 {
		return
	}
	if s.f.state() == event.Backup {
		s.why = trigger{event.InterfaceDown, m, m.link.Cause}
	}
	s.f.unverify()
	until := s.now.Add(m.Recovery.Wait)
	m.recovery = &recovery{back: s.now, until: until, ask: deadline.NewBackoff(s.now, min(askFirst, m.Instance.Interval))}
	s.report(event.InstanceHolding{
		Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: event.HoldRecovery, Until: until,
	})
}

// recoverFlapped begins the recovery of each member whose link was lost and back before
// that was read: an Active made nothing of it, but now that it waits again the segment has
// to prove itself, if nothing has come through it since.
func (s *step) recoverFlapped() {
	for _, m := range s.f.members {
		if !m.flapped.IsZero() && s.now.Before(m.flapped.Add(m.Recovery.Wait)) {
			s.recover(m)
		}
		m.flapped = time.Time{}
	}
}

// recovering reports whether a member's link has yet to prove itself.
func (f *facts) recovering() bool {
	for _, m := range f.members {
		if m.recovery != nil {
			return true
		}
	}
	return false
}

func (f *facts) forgetRecoveries() {
	for _, m := range f.members {
		m.recovery = nil
	}
}

// recoveredAt returns the instant at which the recovery is over if nothing more is heard: the end
// of the Active_Down_Timer, if the segment forwards.
func (m *member) recoveredAt() time.Time {
	if r := m.recovery; !r.forwards || r.until.Before(m.downAt) {
		return r.until
	}
	return m.downAt
}

// absorbForwards takes the answer of a station.
func (s *step) absorbForwards(in vrrp.Forwards) {
	s.prove(in.Interface, in.Cause.At)
	s.proveForFence(in)
}

// prove notes, for all members on a link, that something came through its segment at the
// instant at. A packet that was received before the return and read after it proves nothing.
func (s *step) prove(link string, at time.Time) {
	for _, m := range s.f.members {
		if m.Interface == link && !at.Before(m.flapped) {
			m.flapped = time.Time{}
		}
		r := m.recovery
		if r == nil || r.forwards || m.Interface != link || at.Before(r.back) {
			continue
		}
		r.forwards = true
		m.renew(at)
	}
}

// countAdvert counts an advert of the current Active: enough of them end the
// recovery.
func (s *step) countAdvert(m *member, h vrrp.Heard) {
	r := m.recovery
	if r == nil || h.Cause.At.Before(r.back) || h.Source != m.others.Best.Source {
		return
	}
	if r.source != h.Source {
		r.source, r.adverts = h.Source, 0
	}
	if r.adverts++; r.adverts >= m.Recovery.Adverts {
		s.endRecovery(m, trigger{event.Recovered, m, h.Cause})
	}
}

// endRecoveries ends those that have run out. The takeover counts as due at that
// instant, not before: nobody could have been late for it.
func (s *step) endRecoveries(in vrrp.Tick) {
	for _, m := range s.f.members {
		if m.recovery == nil {
			continue
		}
		if at := m.recoveredAt(); !s.now.Before(at) {
			if m.downAt.Before(at) {
				m.downAt = at
			}
			s.endRecovery(m, trigger{event.Recovered, m, event.Cause{Trace: in.Cause.Trace, At: at}})
		}
	}
}

func (s *step) endRecovery(m *member, why trigger) {
	m.recovery = nil
	if !s.f.recovering() && len(s.f.faults) == 0 {
		s.why = why
		s.f.delayPreemption(s.now)
	}
}

// ask has the stations of all links asked that have not proved themselves and are due.
func (s *step) ask(cause event.Cause) {
	var links []string
	for _, m := range s.f.members {
		r := m.recovery
		if r == nil || r.forwards || !r.ask.Due(s.now) {
			continue
		}
		r.ask.Tried(s.now, askMost)
		if !slices.Contains(links, m.Interface) {
			links = append(links, m.Interface)
		}
	}
	if len(links) > 0 {
		s.emit(vrrp.Ask{Cause: cause, Interfaces: links})
	}
}

// canSend reports whether what is sent on a member's link leaves it. A port of another
// device sends, though it hears nothing.
func (m *member) canSend() bool {
	return m.link.Usable || m.link.Master != "" && m.link.AdminUp && m.link.Carrier
}
