package validate

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// An advert with a source address of ours is either our own, sent back by a loop in the network
// or an access point, or it comes from another router with the same address, such as a cloned
// machine. Neither router accepts the other's adverts, so both are Active. Over IPv4 the kernel
// drops such an advert because of its source before an IP socket receives it. So packets from our
// addresses are read from a packet socket, which also provides the MAC.

// acceptOwn checks an advert with a source address of ours.
func (a *Acceptor) acceptOwn(p *Packet, on *linkPeers, ours *peer, path wire.Path, err error, now time.Time) Verdict {
	if err != nil || ours == nil || ours.Fit(path) == 0 || ours.mayHaveSent(&a.advert, p.From, on) {
		return Verdict{Own: true}
	}
	a.events = a.rejections.reject(a.events, p, path.Source, a.advert.VRID, ours, wire.OwnAddress, now)
	a.strangers.warn(p, ours, event.WarnOwnAddress, now, func() (string, []netip.Addr) {
		return fmt.Sprintf("another router on %s (its MAC is %s) sends adverts of VRID %d from %s, which is an address of this router: "+
			"neither accepts the adverts of the other, so both may be Active: give each router its own address",
			p.Interface, mac(p.From), ours.VRID, path.Source), []netip.Addr{path.Source}
	})
	return Verdict{Events: a.events, Rejected: true, Own: true}
}

// mayHaveSent reports whether an advert from our address may be one of ours: it comes from the
// same MAC, has our content, and we have sent one since the last that was returned.
func (o *peer) mayHaveSent(ad *wire.Advert, mac [6]byte, on *linkPeers) bool {
	from := on.link.HardwareAddr
	if o.FromVirtualMAC() {
		from = wire.VirtualMAC(o.Family, o.VRID)
	}
	if mac != from || ad.Interval != o.Interval {
		return false
	}
	switch ad.Priority {
	case o.Priority, 0, vrrp.Impaired, vrrp.ImpairedLastStanding:
	default:
		if !o.Weighted || ad.Priority == vrrp.Owner {
			return false
		}
	}
	sent := o.stats.Get(stats.AdvertisementSent)
	fresh := sent != o.returned
	o.returned = sent
	return fresh
}

func mac(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
