package config

import (
	"net/netip"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
)

// spot is an address on a link.
type spot struct {
	address netip.Addr
	on      string
}

// holder is an instance that holds an address, or the section static.
type holder struct {
	*instance
	held
}

// place returns the place of the address in the file.
func (h holder) place() problem.Place { return h.spot(h.key, h.at) }

// atMAC reports whether the address is on the link of the instance's virtual MAC.
func (h holder) atMAC() bool { return h.virtualMAC.used && h.Interface == "" }

// checkShared reports the addresses that several instances hold on one link. Such an address is present
// while any of the instances is Active. That is allowed, but hardly ever intended.
func checkShared(report *problem.Report, all []*instance) {
	first := map[spot]holder{}
	for _, i := range all {
		for _, h := range i.all() {
			s := spot{h.Prefix.Addr(), h.Interface}
			if s.on == "" {
				s.on = i.Interface
			}
			before, taken := first[s]
			switch {
			case s.on == "": // the link name was refused
			case !taken:
				first[s] = holder{i, h}
			case before.instance != i: // reported within the instance already
				holder{i, h}.shares(report, before, s)
			}
		}
	}
}

// shares reports an address that another instance holds, too.
func (h holder) shares(report *problem.Report, before holder, s spot) {
	at, on, apart := h.place(), problem.Show(s.on), h.atMAC() || before.atMAC()
	other := report.Mention(before.place(), at)
	switch {
	case h.Name == addr.StaticName: // static is the last of all
		report.Warn(at, "leave it out", "%s is held on %s by %s too, and static keeps it there all the time, whichever router is Active", s.address, on, other)
	case h.Prefix.Bits() != before.Prefix.Bits() && s.address.Is6() && !apart:
		report.Advise(at, "give both the same prefix length", "%s is held on %s by %s with the prefix length %d", s.address, on, other, before.Prefix.Bits())
	case h.accept != before.accept:
		report.Warn(at, "give both the same accept", "%s is held on %s by %s too, and one of the two has accept: false: while that one is Active, hosts cannot use the address", s.address, on, other)
	case apart:
		report.Warn(at, "leave it out of one of the two", "%s is held on %s by %s too, with another MAC address: if both are Active, hosts reach only one of them", s.address, on, other)
	default:
		report.Warn(at, "leave it out of one of the two", "%s is held on %s by %s too: it is present while either is Active, so two routers may hold it at once", s.address, on, other)
	}
}
