package validate

import (
	"fmt"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// An advert from an address of ours is either our own, which a loop in the network or an
// access point sends back, or that of another router with the same address, such as a machine
// that was cloned. Neither router believes the other's, so both are Active. Over IPv4 the
// kernel drops it for its source before an IP socket sees it. So packets from our addresses
// are heard by a packet socket, which also shows the MAC.

// acceptOwn judges an advert that comes from an address of ours.
func (a *Acceptor) acceptOwn(p *Packet, on *linkPeers, ours *peer, path wire.Path, err error, now time.Time) Verdict {
	if err != nil || ours == nil || ours.Fit(path) == 0 || ours.mayHaveSent(&a.advert, p.From, on) {
		return Verdict{}
	}
	a.events = a.rejections.reject(a.events, p, path.Source, a.advert.VRID, ours, wire.OwnAddress, now)
	a.strangers.warn(p, ours, event.WarnOwnAddress, now, func() string {
		return fmt.Sprintf("another router on %s (its MAC is %s) sends adverts of VRID %d from %s, which is our own address: "+
			"neither believes the other, and both may be Active: give each router its own address",
			p.Interface, mac(p.From), ours.VRID, path.Source)
	})
	return Verdict{Events: a.events, Rejected: true}
}

// mayHaveSent reports whether an advert from our address may be one of ours: it comes from
// the MAC that ours leave from, says what ours say, and we have sent one since the last
// that came back.
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
