package config

import (
	"fmt"
	"net/netip"
	"slices"
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

// checkPeers sees that no unicast peer of an instance is this router itself: adverts to it
// always arrive, and say nothing of the others. The addresses of this machine are not
// compared if the instance sends from an address that this machine lacks: the file is for
// another machine then.
func (d *document) checkPeers(l *loader) {
	sources := map[netip.Addr]*instance{}
	for _, i := range d.instances {
		if s := i.sending.source; s.IsValid() {
			sources[s.Addr] = i
		}
	}
	for _, i := range d.instances {
		i.dropOwn(l, sources)
	}
}

// dropOwn reports the peers that are this router itself. In keepalived.conf they are left
// out if there are others: keepalived sends to them, too, in vain.
func (i *instance) dropOwn(l *loader, sources map[netip.Addr]*instance) {
	const hint = "name the other routers only"
	var others []spotted
	own := map[netip.Addr]string{}
	for _, p := range i.sending.peers {
		if what := i.isOwn(l, p, sources); what != "" {
			own[p.Addr] = what
			continue
		}
		others = append(others, p)
	}
	dropped := l.format == Keepalived && len(others) > 0
	for _, p := range i.sending.peers {
		switch what := own[p.Addr]; {
		case what == "":
		case dropped:
			l.warn(p.at, hint, "%s is %s: it is left out", p, what)
		default:
			l.advise(p.at, hint, "%s is %s: it cannot be a peer", p, what)
		}
	}
	if dropped {
		i.sending.peers = others
	}
}

// isOwn says what of this router itself a peer is; empty: nothing.
func (i *instance) isOwn(l *loader, p spotted, sources map[netip.Addr]*instance) string {
	source := i.sending.source
	elsewhere := source.IsValid() && !l.here.has(source.Addr, i.Interface)
	switch other := sources[p.Addr]; {
	case p.Addr == source.Addr: // reported already
	case !elsewhere && l.here.has(p.Addr, i.Interface):
		return "an address of this machine"
	case other != nil && (!p.IsLinkLocalUnicast() || other.Interface == i.Interface):
		return "the source of " + l.mention(other.at, p.at)
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
