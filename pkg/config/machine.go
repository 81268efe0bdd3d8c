package config

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/config/problem"
)

// Machine is what a machine has of its own: the addresses of each of its interfaces. A
// file that it runs must not name them as those of another router.
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

// checkPeers sees that no unicast peer of an instance is this router itself: adverts to it
// always arrive, and say nothing of the others. The addresses of this machine are not
// compared if the instance sends from an address that this machine lacks: the file is for
// another machine then.
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

// drop reports the peers of an instance that are this router itself. In keepalived.conf they
// are left out if there are others: keepalived sends to them, too, in vain.
func (o ownAddresses) drop(report *problem.Report, i *instance) {
	const hint = "name the other routers only"
	var others []spotted
	own := map[netip.Addr]string{}
	for _, p := range i.sending.peers {
		if what := o.as(report, i, p); what != "" {
			own[p.Addr] = what
			continue
		}
		others = append(others, p)
	}
	dropped := report.Tolerant && len(others) > 0
	for _, p := range i.sending.peers {
		switch what := own[p.Addr]; {
		case what == "":
		case dropped:
			report.Warn(p.at, hint, "%s is %s: it is left out", p, what)
		default:
			report.Advise(p.at, hint, "%s is %s: it cannot be a peer", p, what)
		}
	}
	if dropped {
		i.sending.peers = others
	}
}

// as says as what of this router itself a peer is known; empty: it is another's.
func (o ownAddresses) as(report *problem.Report, i *instance, p spotted) string {
	source := i.sending.source
	elsewhere := source.IsValid() && !o.here.has(source.Addr, i.Interface)
	switch other := o.sources[p.Addr]; {
	case p.Addr == source.Addr: // reported already
	case !elsewhere && o.here.has(p.Addr, i.Interface):
		return "an address of this machine"
	case other != nil && (!p.IsLinkLocalUnicast() || other.Interface == i.Interface):
		report.Warn(p.at, "name this router's own addresses as sources, and those of the others as peers",
			"%s is the source of %s, too: of the two one is another router's", p, report.Mention(other.at, p.at))
	}
	return ""
}

// OwnPeers returns a sentence for each unicast peer that is an address of the machine
// here. A file that is only checked here may be another router's, so it is not an
// error as it is when the file is run.
func (c *Config) OwnPeers(here Machine) (advice []string) {
	for _, g := range c.Groups {
		for _, in := range g.Members {
			if in.Source.IsValid() && !here.has(in.Source, in.Interface) {
				continue // another router's file
			}
			for _, p := range in.Unicast.Peers {
				switch {
				case !here.has(p, in.Interface):
				case c.Format == Keepalived && len(in.Unicast.Peers) > 1:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, and is left out", in.Name, p))
				default:
					advice = append(advice, fmt.Sprintf("%s: peer %s is an address of this machine, so ripcord run refuses the file here: "+
						"if the file is meant for this router, name the other routers only", in.Name, p))
				}
			}
		}
	}
	return advice
}
