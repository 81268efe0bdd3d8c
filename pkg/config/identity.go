package config

import (
	"net/netip"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/event"
)

// virtual returns the VRID and the family of an instance with its link, without its name; zero if
// one of them was refused.
func (i *instance) virtual() event.Virtual {
	if !i.sound("interface") || !i.sound("vrid") || i.Family == 0 {
		return event.Virtual{}
	}
	return event.Virtual{Interface: i.Interface, VRID: i.VRID, Family: i.Family}
}

// channel identifies the instance of an advert: its virtual router, and the multicast group of the
// advert, or for a unicast advert its sender and its destination among our addresses, if that is
// known.
type channel struct {
	event.Virtual
	group, peer, source netip.Addr
}

// channels returns the channels on which an instance receives.
func (i *instance) channels() (all []channel) {
	v := i.virtual()
	if v == (event.Virtual{}) {
		return nil
	}
	for _, p := range i.sending.peers {
		all = append(all, channel{Virtual: v, peer: p.Addr, source: i.sending.source.Addr})
	}
	if len(all) == 0 {
		all = append(all, channel{Virtual: v, group: i.multicast()})
	}
	return all
}

// anywhere stands for any source of ours. No instance can have this address.
var anywhere = netip.IPv6Unspecified()

// checkVirtualRouters requires that the instance of each advert is unambiguous: one VRID on a link
// may belong to multicast instances with different groups and to unicast ones with different peers
// or sources.
func checkVirtualRouters(report *problem.Report, all []*instance) {
	taken := map[channel]problem.Place{}
	for _, i := range all {
		for _, c := range i.channels() {
			at, clash := c.among(taken)
			if clash {
				what := ""
				if c.peer.IsValid() {
					what = ", with the peer " + c.peer.String()
				}
				report.Fail(i.where("vrid"), "%d is the %s VRID of %s on %s already%s", c.VRID, c.Family, report.Mention(at, i.where("vrid")), problem.Show(c.Interface), what)
				break
			}
		}
		for _, c := range i.channels() {
			for _, source := range []netip.Addr{c.source, anywhere} {
				c.source = source
				if _, known := taken[c]; !known {
					taken[c] = i.at
				}
			}
		}
	}
}

// among finds a channel that cannot be distinguished from this one.
func (c channel) among(taken map[channel]problem.Place) (at problem.Place, clash bool) {
	unsaid := netip.Addr{}
	if !c.source.IsValid() {
		unsaid = anywhere
	}
	for _, source := range []netip.Addr{c.source, unsaid} {
		c.source = source
		if at, clash = taken[c]; clash {
			return at, true
		}
	}
	return at, false
}
