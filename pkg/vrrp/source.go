package vrrp

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
)

// SourceOn returns the source address of adverts on a link, zero if there is none, and whether it
// is in the subnet of all their destinations. It chooses like the kernel: the address in the
// subnet of the peers, otherwise of the virtual addresses, otherwise the first. An advert over
// IPv6 leaves from a link-local address, whatever the subnets, unless FromGlobal.
func (in *Instance) SourceOn(l event.Link) (source netip.Addr, near bool) {
	if want := in.Source; want.IsValid() {
		if !l.Has(want) && !(in.IgnoreSource && l.Resolves()) {
			return netip.Addr{}, false
		}
		return want, true
	}
	if in.Family == event.IPv6 && !in.FromGlobal() {
		return l.LinkLocal6, true
	}
	for _, stations := range [...][]netip.Addr{in.Unicast.Peers, in.Addresses} {
		near = true
		for _, ip := range stations {
			switch found := l.Near(ip); {
			case !found.IsValid() || isLinkLocal6(found):
				near = false
			case !source.IsValid():
				source = found
			case source != found:
				near = false
			}
		}
		if source.IsValid() {
			return source, near
		}
	}
	if in.Family == event.IPv6 {
		return firstGlobal(&l), false
	}
	return l.Primary4, false
}

// FromGlobal reports whether adverts leave from a global IPv6 address of the link: their
// destinations are unicast peers with global addresses, and no source is configured.
func (in *Instance) FromGlobal() bool {
	return in.Family == event.IPv6 && in.IsUnicast() && !in.Source.IsValid() && !slices.ContainsFunc(in.Unicast.Peers, isLinkLocal6)
}

func isLinkLocal6(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// firstGlobal returns the first global IPv6 address of a link from which adverts may leave; zero
// if there is none.
func firstGlobal(l *event.Link) netip.Addr {
	if l.Sources == nil {
		return netip.Addr{}
	}
	for _, p := range *l.Sources {
		if a := p.Addr(); a.Is6() && !isLinkLocal6(a) {
			return a
		}
	}
	return netip.Addr{}
}

// IsForeign reports whether adverts on a link would have a source address that is not on this
// machine. The kernel does not send them, so they are sent as frames.
func (in *Instance) IsForeign(l *event.Link) bool {
	return in.IgnoreSource && in.Source.IsValid() && !l.Has(in.Source)
}

// LinkFault returns the fault of a link that keeps an instance with the given source address
// (SourceOn) from serving, and what is wrong and what to do, unless the log reports that for the
// link itself. The reason is empty if there is no fault.
func (in *Instance) LinkFault(l *event.Link, source netip.Addr) (reason event.Reason, err string) {
	switch {
	case !l.Usable && l.Master != "":
		return event.Enslaved, fmt.Sprintf("%s is a port of %s, which takes all that arrives on it: "+
			"name the device above it as the interface, or take it out with ip link set %s nomaster", l.Name, l.Master, l.Own())
	case !l.Usable:
		return event.InterfaceDown, ""
	case source.IsValid():
		return "", ""
	case l.Duplicate.IsValid() && (!in.Source.IsValid() || in.Source == l.Duplicate):
		return event.DuplicateAddress, fmt.Sprintf("another station on %s has %s too, as duplicate address detection found: "+
			"change one of the two, then remove the address here and add it again", l.Name, l.Duplicate)
	case in.Source.IsValid():
		return event.NoPrimaryAddress, fmt.Sprintf("source %s is neither on %s nor on a loopback link, "+
			"or cannot be used yet: add it, or configure another source", in.Source, l.Name)
	case in.FromGlobal():
		return event.NoPrimaryAddress, fmt.Sprintf("%s has no global IPv6 address of its own from which adverts to the peers can leave, or it is still tentative: "+
			"add one, or name another address of this router as source", l.Name)
	case in.Family == event.IPv6:
		return event.NoPrimaryAddress, fmt.Sprintf("%s has no link-local IPv6 address of its own that adverts can leave from, or it is still tentative: "+
			"add one, or find out why the kernel does not add one (disable_ipv6, addr_gen_mode)", l.Name)
	}
	return event.NoPrimaryAddress, fmt.Sprintf("%s has no IPv4 address of its own from which adverts can leave: add one", l.Name)
}

// Trouble returns what keeps an instance from serving on a link, judged by the link alone, and
// what to do; empty if nothing does.
func (in *Instance) Trouble(l event.Link) string {
	source, _ := in.SourceOn(l)
	reason, err := in.LinkFault(&l, source)
	if reason == event.InterfaceDown {
		return l.Name + " is not usable: " + l.Trouble()
	}
	return err
}
