package vrrp

import (
	"fmt"
	"net/netip"

	"ripcord/pkg/event"
)

// linkFaults returns the faults that may follow from what is known of a member's
// link, of which it bears one at most.
func (m *member) linkFaults() [4]faultKey {
	name := m.Virtual.Instance
	return [...]faultKey{
		{m.Interface, event.InterfaceDown}, {name, event.Enslaved}, {name, event.NoPrimaryAddress}, {name, event.DuplicateAddress},
	}
}

// linkFault returns the one that it bears, and what is wrong and what to do, where
// the log does not say that of the link; it has no reason where the link is fine.
func (m *member) linkFault() (key faultKey, err string) {
	name, l := m.Virtual.Instance, &m.link
	switch {
	case !l.Usable && l.Master != "":
		return faultKey{name, event.Enslaved}, fmt.Sprintf("%s is a port of %s, which takes all that arrives on it: "+
			"name the device above it as the interface, or take it out with ip link set %s nomaster", l.Name, l.Master, l.Own())
	case !l.Usable:
		return faultKey{m.Interface, event.InterfaceDown}, ""
	case m.source.IsValid():
		return faultKey{}, ""
	case l.Duplicate.IsValid() && (!m.Source.IsValid() || m.Source == l.Duplicate):
		return faultKey{name, event.DuplicateAddress}, fmt.Sprintf("another station on %s has %s too, as duplicate address detection found: "+
			"change one of the two, then remove the address here and add it again", l.Name, l.Duplicate)
	case m.Source.IsValid():
		return faultKey{name, event.NoPrimaryAddress}, fmt.Sprintf("source %s stands neither on %s nor on a loopback link, "+
			"or cannot be used yet: add it, or name another source", m.Source, l.Name)
	case m.Family == event.IPv6:
		return faultKey{name, event.NoPrimaryAddress}, fmt.Sprintf("%s has no link-local IPv6 address of its own that adverts can leave from, or it is still tentative: "+
			"add one, or see why the kernel gives it none (disable_ipv6, addr_gen_mode)", l.Name)
	}
	return faultKey{name, event.NoPrimaryAddress}, fmt.Sprintf("%s has no IPv4 address of its own from which adverts can leave: add one", l.Name)
}

// chooseSource returns the address that the adverts of a member bear; zero where
// there is none. It chooses as the kernel would: the one in the subnet of the peers,
// else of the virtual addresses, else the first. An advert over IPv6 leaves from a
// link-local address, whatever the subnets.
func (m *member) chooseSource() netip.Addr {
	if want := m.Instance.Source; want.IsValid() {
		if !m.link.Has(want) {
			return netip.Addr{}
		}
		return want
	}
	if m.Family == event.IPv4 {
		for _, stations := range [...][]netip.Addr{m.Unicast.Peers, m.Addresses} {
			for _, ip := range stations {
				if near := m.link.Near(ip); near.IsValid() {
					return near
				}
			}
		}
	}
	return m.link.Address(m.Family)
}

// canSend reports whether what is sent on a member's link leaves it. A port of another
// device sends, though it hears nothing.
func (m *member) canSend() bool {
	return m.link.Usable || m.link.Master != "" && m.link.AdminUp && m.link.Carrier
}
