package machine

import (
	"fmt"
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
		switch {
		case !m.unheardBy.IsValid():
		case !r.f.serves(m):
			r.end(m, "this router is no longer Active", event.Cause{})
		case !m.known(r.now) || m.others.Best.Source != m.unheardBy:
			r.end(m, fmt.Sprintf("%s is no longer heard as Active", m.unheardBy), event.Cause{})
		}
	}
}

// remove ends the warnings of a member that no longer takes part: it may never return.
func (r rivals) remove(m *member, cause event.Cause) {
	if m.unheardBy.IsValid() {
		r.end(m, absent, cause)
	}
	if m.peers.ThirdPresent() {
		r.forgetRouters(m, absent, cause)
	}
}

// forgetRouters forgets which routers a member heard, and ends its warning of a third one.
func (r rivals) forgetRouters(m *member, why string, cause event.Cause) {
	if m.peers.ThirdPresent() {
		r.endWarning(m, event.WarnThirdRouter, why, cause)
	}
	m.peers = heard.Peers{}
}

// end ends the warning of a member's rival.
func (r rivals) end(m *member, why string, cause event.Cause) {
	m.unheardBy = netip.Addr{}
	r.endWarning(m, event.WarnRival, why, cause)
}
