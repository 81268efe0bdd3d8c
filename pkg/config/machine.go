package config

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/config/problem"
)

// Machine holds the addresses of each interface of a machine, by interface name.
type Machine map[string][]netip.Addr

// has reports whether the machine has an address. A link-local one counts only on its link: on
// another link another machine may have it.
func (m Machine) has(a netip.Addr, on string) bool {
	if a.IsLinkLocalUnicast() {
		return slices.Contains(m[on], a)
	}
	for _, addresses := range m {
		if slices.Contains(addresses, a) {
			return true
		}
	}
	return false
}

// ownAddresses holds the addresses by which a router recognizes itself among its peers.
type ownAddresses struct {
	here    Machine                  // nil: the file may be another machine's
	sources map[netip.Addr]*instance // the source addresses of the adverts
}

// checkPeers leaves out the unicast peers of an instance that are this router itself, so that all
// routers may use the same file. It does not compare the addresses of this machine if the instance
// sends from an address that this machine lacks: then the file is for another machine.
func checkPeers(report *problem.Report, here Machine, all []*instance) {
	own := ownAddresses{here: here, sources: map[netip.Addr]*instance{}}
	for _, i := range all {
		if s := i.sending.source; s.IsValid() {
			own.sources[s.Addr] = i
		}
	}
	for _, i := range all {
		own.drop(report, i)
	}
}

// drop leaves out the peers of an instance that are this router itself. If no other peer remains,
// it keeps them: without peers, adverts would go to the multicast group.
func (o ownAddresses) drop(report *problem.Report, i *instance) {
	var others []spotted
	own := map[netip.Addr]string{}
	for _, p := range i.sending.peers {
		if what := o.identify(report, i, p); what != "" {
			own[p.Addr] = what
			continue
		}
		others = append(others, p)
	}
	for _, p := range i.sending.peers {
		switch what := own[p.Addr]; {
		case what == "":
		case len(others) > 0:
			report.Warn(p.at, "", "%s is %s: it is left out of the peers", p, what)
		default:
			report.Warn(p.at, "name the other routers", "%s is %s, and the instance has no other peer: no router receives its adverts, and several can be Active at once", p, what)
		}
	}
	if len(others) > 0 {
		i.sending.peers = others
	}
}

// identify returns how this router itself has the address of a peer, in words, or an empty string
// if the peer is another router.
func (o ownAddresses) identify(report *problem.Report, i *instance, p spotted) string {
	source := i.sending.source
	elsewhere := source.IsValid() && !o.here.has(source.Addr, i.Interface)
	switch other := o.sources[p.Addr]; {
	case p.Addr == source.Addr:
		return "this router's own source"
	case !elsewhere && o.here.has(p.Addr, i.Interface):
		return "an address of this machine"
	case other != nil && (!p.IsLinkLocalUnicast() || other.Interface == i.Interface):
		report.Warn(p.at, "name this router's own addresses as sources, and those of the others as peers",
			"%s is the source of %s, too: one of the two must be another router's address", p, report.Mention(other.at, p.at))
	}
	return ""
}

// OwnPeers returns a sentence for each unicast peer that is an address of this machine, given by
// here. The check of a file alone cannot warn of it, because the file may be another router's.
func (c *Config) OwnPeers(here Machine) (advice []string) {
	for _, g := range c.Groups {
		for _, in := range g.Members {
			if in.Source.IsValid() && !here.has(in.Source, in.Interface) {
				continue // another router's file
			}
			is := func(p netip.Addr) bool { return here.has(p, in.Interface) }
			alone := !slices.ContainsFunc(in.Unicast.Peers, func(p netip.Addr) bool { return !is(p) })
			for _, p := range in.Unicast.Peers {
				switch {
				case !is(p) || p == in.Source: // the check of the file warns of it
				case alone:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, and the instance has no other peer: no router receives its adverts, and several can be Active at once", in.Name, p))
				default:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, and is left out here", in.Name, p))
				}
			}
		}
	}
	return advice
}
