package machine

import (
	"net/netip"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/heard"
)

// An Active answers a rival of lower priority by an advert, to which the rival yields. A rival
// that goes on does not hear it, so there are two Actives. That is a warning until the rival falls
// silent or this router yields (event.AdvertRival.Warning).

// rivals is the part of a step that concerns rivals of lower priority.
type rivals struct{ *step }

// report reports a rival, once, and once more if it goes on.
func (r rivals) report(m *member, h *vrrp.Heard) {
	rival := &m.others.Best
	if rival.Source != h.Source {
		return
	}
	log, unheard := rival.LogRival(m.Miss)
	if !log {
		return
	}
	if unheard {
		m.unheardBy = h.Source
	}
	r.step.report(event.AdvertRival{
		Stamp: r.stamp(h.Cause), Virtual: m.Virtual, Source: h.Source, Priority: h.Priority, Unheard: unheard,
	})
}

// follow ends the warnings of rivals that are silent, or to which this router has yielded.
func (r rivals) follow() {
	for _, m := range r.f.members {
		if goesOn := r.f.serves(m) && m.known(r.now) && m.others.Best.Source == m.unheardBy; m.unheardBy.IsValid() && !goesOn {
			r.end(m, event.Cause{})
		}
	}
}

// end ends the warning of a member's rival.
func (r rivals) end(m *member, cause event.Cause) {
	m.unheardBy = netip.Addr{}
	r.step.report(event.Warning{
		Stamp: r.stamp(cause), Instance: m.Name, Reason: event.WarnRival, Over: true, Text: "no other Active is heard any more, or this router is not Active",
	})
}

// leave ends the warnings of a member that takes part no more: it may be gone for good.
func (r rivals) leave(m *member, cause event.Cause) {
	if m.unheardBy.IsValid() {
		r.end(m, cause)
	}
	if m.peers.ThirdPresent() {
		m.peers = heard.Peers{}
		r.endThird(m, cause)
	}
}

// endThird ends the warning of a third router.
func (r rivals) endThird(m *member, cause event.Cause) {
	r.step.report(event.Warning{
		Stamp: r.stamp(cause), Instance: m.Name, Reason: event.WarnThirdRouter, Over: true,
		Text: "no third router was heard for an hour, or the configuration allows more than two",
	})
}
