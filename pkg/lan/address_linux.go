package lan

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"

	"ripcord/pkg/wire"
)

// addAddress adds an address that can be used at once. It is no error if the address is there
// already.
func (n *Namespace) addAddress(index int, p netip.Prefix) error {
	m := &rtnetlink.AddressMessage{
		Family:       unix.AF_INET,
		PrefixLength: uint8(p.Bits()),
		Index:        uint32(index),
		Attributes:   &rtnetlink.AddressAttributes{Address: p.Addr().AsSlice()},
	}
	if p.Addr().Is6() {
		m.Family = unix.AF_INET6
		m.Attributes.Flags = unix.IFA_F_NODAD
		if p.Addr().IsLinkLocalUnicast() {
			m.Scope = unix.RT_SCOPE_LINK
		}
	} else {
		m.Attributes.Local = m.Attributes.Address
	}
	n.bound()
	if err := n.conn.Address.New(m); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("namespace %s: add %s to interface %d: %w", n.name, p, index, err)
	}
	return nil
}

// linkLocal returns the link-local address of an interface that can be used as a source, or false
// if there is none yet.
func (n *Namespace) linkLocal(index int) (netip.Addr, bool, error) {
	n.bound()
	messages, err := n.conn.Address.List()
	if err != nil {
		return netip.Addr{}, false, fmt.Errorf("namespace %s: list addresses: %w", n.name, err)
	}
	for _, m := range messages {
		if m.Family != unix.AF_INET6 || m.Index != uint32(index) || m.Attributes == nil {
			continue
		}
		a, ok := netip.AddrFromSlice(m.Attributes.Address)
		if ok && a.IsLinkLocalUnicast() && m.Flags&unix.IFA_F_TENTATIVE == 0 {
			return a, true, nil
		}
	}
	return netip.Addr{}, false, nil
}

// reaches reports whether the host has a route to the link-local addresses of an interface, which
// the kernel adds some time after the address. It sends nothing. The zone is the number of the
// interface, because Go caches interface names for a minute, across namespaces.
func (n *Namespace) reaches(index int) (bool, error) {
	err := n.Do(func() error {
		c, err := net.Dial("udp6", fmt.Sprintf("[fe80::1%%%d]:9", index))
		if err == nil {
			return c.Close()
		}
		return err
	})
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("namespace %s: look for the link-local route of interface %d: %w", n.name, index, err)
	}
	return true, nil
}

// listening reports whether the interface is in the solicited-node group of an IPv6 address. The
// kernel joins the group some ms after it has the address.
func (n *Namespace) listening(ifname string, a netip.Addr) (bool, error) {
	var table []byte
	err := n.Do(func() (err error) {
		table, err = os.ReadFile("/proc/thread-self/net/igmp6") // columns: index, name, group, …
		return err
	})
	if err != nil {
		return false, fmt.Errorf("namespace %s: look for the groups of %s: %w", n.name, ifname, err)
	}
	group := hex.EncodeToString(wire.SolicitedNode(a).AsSlice())
	return slices.ContainsFunc(strings.Split(string(table), "\n"), func(line string) bool {
		fields := strings.Fields(line)
		return len(fields) > 2 && fields[1] == ifname && fields[2] == group
	}), nil
}
