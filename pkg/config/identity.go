package config

import (
	"net/netip"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/event"
)

// virtual returns the VRID and the family of an instance with its link, without its name; zero
// if one of them was refused.
func (i *instance) virtual() event.Virtual {
	if !i.sound("interface") || !i.sound("vrid") || i.Family == 0 {
		return event.Virtual{}
	}
	return event.Virtual{Interface: i.Interface, VRID: i.VRID, Family: i.Family}
}

// channel is by what the instance of an advert is found: its virtual router, and the multicast
// group to which it is sent, or, of one that is unicast, its sender and to which of our addresses
// it is sent, if that is known.
type channel struct {
	event.Virtual
	group, peer, source netip.Addr
}

// channels returns those on which an instance is heard.
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

// anywhere stands for any source of ours. It is no address that an instance can have.
var anywhere = netip.IPv6Unspecified()

// checkVirtualRouters sees that adverts can be told apart by the instance that they are for:
// one VRID on a link may be that of multicast instances with other groups and of unicast ones with
// other peers or other sources.
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

// among finds a channel that cannot be told from this one.
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
