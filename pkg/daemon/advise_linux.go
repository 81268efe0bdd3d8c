package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/config"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/vrrp"
)

// ownAddress is an address that the network configuration of this machine gave to a link.
type ownAddress struct {
	link string
	ip   netip.Addr
}

// isOwn reports whether an address is a primary IPv4 address that no VRRP daemon seems to have
// added: since Linux 5.18 a daemon marks its addresses; before, they usually are secondary ones or
// alone in their network.
func isOwn(a rtnl.Address) bool {
	return a.Prefix.Addr().Is4() && !a.Prefix.IsSingleIP() && a.Protocol == 0 && a.Flags&unix.IFA_F_SECONDARY == 0
}

// ownAddresses returns the own addresses of this machine, or none if the kernel does not list them.
func ownAddresses() []ownAddress {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		return nil
	}
	defer conn.Close()
	own, _ := rtnl.Dump(conn, rtnl.ListAddresses(), func(m netlink.Message) (ownAddress, bool) {
		a, ok := rtnl.DecodeAddress(m)
		if !ok || !isOwn(a) {
			return ownAddress{}, false
		}
		link, err := net.InterfaceByIndex(a.Index)
		if err != nil {
			return ownAddress{}, false
		}
		return ownAddress{link.Name, a.Prefix.Addr()}, true
	})
	return own
}

// adviseOwned returns a sentence for each virtual address that is an own address of this machine,
// unless the instance has the priority of an owner.
func adviseOwned(c *config.Config, own []ownAddress) (advice []string) {
	for _, in := range c.Instances() {
		for _, a := range own {
			if in.Priority == vrrp.Owner || !slices.Contains(in.Addresses, a.ip) && !slices.Contains(in.Extra, a.ip) {
				continue
			}
			text := fmt.Sprintf("%s: %s is an own address of %s: this machine answers for it even while another router is Active. Remove it from the virtual addresses, or from the network configuration of this machine", in.Name, a.ip, a.link)
			if c.Format == config.Keepalived {
				text += fmt.Sprintf("; keepalived removes it from %s at the start, and stays in FAULT if %s has no other address", a.link, a.link)
			}
			advice = append(advice, text)
		}
	}
	return advice
}
