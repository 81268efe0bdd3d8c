package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Arrival is a valid advert of one of our virtual routers that a packet socket received.
type Arrival struct {
	Instance     string
	Source, Dest netip.Addr
	Interval     time.Duration // the interval in the advert
}

// Arrived returns the advert in a packet from the packet socket, if it is valid and the raw socket
// of the link must receive it, too.
func (a *Acceptor) Arrived(p *Packet) (x Arrival, ok bool) {
	on := a.links.find(p.Interface)
	if p.Truncated {
		return x, false
	}
	path, err := a.read(p, on)
	if err != nil || a.links.owns(on, path.Source) || on.early(p.Family, path.Source) {
		return x, false
	}
	ours := on.peer(p.Family, a.advert.VRID, path)
	if ours == nil || ours.check(&a.advert) != nil || ours.meets(path) != nil || !deliverable(p, path, ours, on) {
		return x, false
	}
	return Arrival{ours.Name, path.Source, path.Dest, a.advert.Interval}, true
}

// deliverable reports whether the kernel accepts the IP header of a packet: otherwise the
// firewall is not the reason if the packet is missing.
func deliverable(p *Packet, path wire.Path, ours *peer, on *linkPeers) bool {
	const noOptions = 0x45
	if p.Family == event.IPv4 && (p.Data[0] != noOptions || !wire.IPv4HeaderHolds(p.Data[:20])) {
		return false
	}
	if path.Dest != ours.MulticastGroup() && !on.link.Has(path.Dest) {
		return false
	}
	return path.Source.IsGlobalUnicast() || path.Source.IsLinkLocalUnicast()
}
