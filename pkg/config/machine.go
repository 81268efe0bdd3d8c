package config

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/config/problem"
)

// Machine is what a machine has of its own: the addresses of each of its interfaces, which are
// not those of another router.
type Machine map[string][]netip.Addr

// has reports whether an address stands on the machine. A link-local one is the
// machine's own only on its link: others may have it on theirs.
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

// ownAddresses are what the router that runs a file has itself.
type ownAddresses struct {
	here    Machine                  // nil: the file may be another machine's
	sources map[netip.Addr]*instance // of adverts
}

// checkPeers leaves out the unicast peers of an instance that are this router itself, so that
// all routers may have the same file. The addresses of this machine are not compared if the
// instance sends from an address that this machine lacks: the file is for another machine then.
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

// drop leaves out the peers of an instance that are this router itself. If there are no others
// they stay: without peers, adverts would go to the multicast group.
func (o ownAddresses) drop(report *problem.Report, i *instance) {
	var others []spotted
	own := map[netip.Addr]string{}
	for _, p := range i.sending.peers {
		if what := o.as(report, i, p); what != "" {
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
			report.Warn(p.at, "name the other routers", "%s is %s, and there is no other: no router hears this one, which serves beside any other", p, what)
		}
	}
	if len(others) > 0 {
		i.sending.peers = others
	}
}

// as says as what of this router itself a peer is known; empty: it is another's.
func (o ownAddresses) as(report *problem.Report, i *instance, p spotted) string {
	source := i.sending.source
	elsewhere := source.IsValid() && !o.here.has(source.Addr, i.Interface)
	switch other := o.sources[p.Addr]; {
	case p.Addr == source.Addr:
		return "this router's own source"
	case !elsewhere && o.here.has(p.Addr, i.Interface):
		return "an address of this machine"
	case other != nil && (!p.IsLinkLocalUnicast() || other.Interface == i.Interface):
		report.Warn(p.at, "name this router's own addresses as sources, and those of the others as peers",
			"%s is the source of %s, too: of the two one is another router's", p, report.Mention(other.at, p.at))
	}
	return ""
}

// OwnPeers returns a sentence for each unicast peer that is an address of the machine
// here. A file that is only checked here may be another router's.
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
				case !is(p) || p == in.Source: // of which the file is warned
				case alone:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, and there is no other: no router hears this one, which serves beside any other", in.Name, p))
				default:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, and is left out here", in.Name, p))
				}
			}
		}
	}
	return advice
}
