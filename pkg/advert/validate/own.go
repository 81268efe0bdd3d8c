package validate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// An advert from an address of ours is either our own, which a loop in the network or
// an access point sends back, or that of another router with the same address, such as a
// machine that was cloned. Neither router believes the other's, so both are Active. Over
// IPv4 the kernel drops it for its source before an IP socket sees it. So what comes
// from our addresses is heard by a packet socket, which also tells the MAC.

// Warn has the acceptor report warnings.
func (a *Acceptor) Warn(w *event.Warnings) { a.warnings = w }

// owns reports whether an address is ours on a link. One that routers share is not: it
// is its owner that advertises from it.
func (a *Acceptor) owns(on *linkPeers, source netip.Addr) bool {
	if on.shared[source] {
		return false
	}
	return on.link.Has(source) || a.own[source] > 0 || on.link.Owned != nil && slices.Contains(*on.link.Owned, source)
}

// Owns reports whether an address is ours on a link.
func (a *Acceptor) Owns(link string, source netip.Addr) bool { return a.owns(a.onLink(link), source) }

// countOwn counts the addresses of a link that are ours on every link: those of link
// scope may stand on another link and belong to somebody else there.
func (a *Acceptor) countOwn(owned *[]netip.Addr, n int) {
	if owned == nil {
		return
	}
	for _, ip := range *owned {
		if ip.IsLinkLocalUnicast() {
			continue
		}
		if a.own[ip] += n; a.own[ip] <= 0 {
			delete(a.own, ip)
		}
	}
}

// Everywhere lists the addresses that are ours on every link, in a fixed order.
func (a *Acceptor) Everywhere() []netip.Addr {
	return slices.SortedFunc(maps.Keys(a.own), netip.Addr.Compare)
}

// acceptOwn judges an advert that comes from an address of ours.
func (a *Acceptor) acceptOwn(p *Packet, on *linkPeers, ours *peer, path wire.Path, err error, now time.Time) Verdict {
	if err != nil || ours == nil || ours.meets(path) == wire.NotMulticast || a.sentByUs(p, on, ours) {
		return Verdict{}
	}
	a.reject(p, path.Source, ours, wire.OwnAddress, now)
	a.warn(p, ours, event.WarnOwnAddress, now, func() string {
		return fmt.Sprintf("another router on %s (its MAC is %s) sends adverts of VRID %d from %s, which is our own address: "+
			"neither believes the other, and both may be Active: give each router its own address",
			p.Interface, mac(p.From), ours.VRID, path.Source)
	})
	return Verdict{Events: a.events, Rejected: true}
}

// sentByUs reports whether an advert from our address may be one of ours: it comes from
// the MAC that ours leave from, says what ours say, and we have sent one since the last
// that came back.
func (a *Acceptor) sentByUs(p *Packet, on *linkPeers, ours *peer) bool {
	from := on.link.HardwareAddr
	if ours.VirtualMAC {
		from = wire.VirtualMAC(ours.Family, ours.VRID)
	}
	if p.From != from || a.advert.Interval != ours.Interval {
		return false
	}
	switch a.advert.Priority {
	case ours.Priority, 0, vrrp.Impaired:
	default:
		return false
	}
	sent := ours.stats.Get(stats.AdvertisementSent)
	fresh := sent != ours.returned
	ours.returned = sent
	return fresh
}

func mac(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
