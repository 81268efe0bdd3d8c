package receive

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// peers watches whether a unicast peer is this router itself: adverts to it always arrive, but no
// other router receives them. The configuration removes such a peer if it is known when the file
// is read, unless it is the only one; an address may be added later.
type peers struct {
	instances []*vrrp.Instance // instances with peers
	on        map[netip.Addr]map[string]bool
	warnings  *event.Warnings
}

func newPeers(instances []*vrrp.Instance, warnings *event.Warnings) *peers {
	p := &peers{on: make(map[netip.Addr]map[string]bool), warnings: warnings}
	for _, in := range instances {
		if len(in.Unicast.Peers) > 0 {
			p.instances = append(p.instances, in)
		}
		for _, a := range in.Unicast.Peers {
			p.on[a] = make(map[string]bool)
		}
	}
	return p
}

// has reports whether the instance of a warning has the peer that is the subject.
func (p *peers) has(key event.WarningKey) bool {
	return slices.ContainsFunc(p.instances, func(in *vrrp.Instance) bool {
		isSubject := func(a netip.Addr) bool { return a.String() == key.Subject }
		return in.Name == key.Instance && slices.ContainsFunc(in.Unicast.Peers, isSubject)
	})
}

// follow handles a change of a link.
func (p *peers) follow(link event.Link, stamp event.Stamp) {
	for a, on := range p.on {
		if link.Has(a) {
			on[link.Name] = true
		} else {
			delete(on, link.Name)
		}
	}
	for _, in := range p.instances {
		for _, a := range in.Unicast.Peers {
			on := p.on[a]
			ours := len(on) > 0 && !a.IsLinkLocalUnicast() || on[in.Interface]
			p.warnings.Set(ours, event.Warning{
				Stamp: stamp, Instance: in.Name, Reason: event.WarnOwnPeer, Subject: a.String(),
				Text: fmt.Sprintf("%v is one of the unicast peers, but an address of this machine: remove it from the machine, or from peers", a),
			})
		}
	}
}
