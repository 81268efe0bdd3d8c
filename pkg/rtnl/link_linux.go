package rtnl

import (
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Link is an RTM_NEWLINK or RTM_DELLINK: a network interface.
type Link struct {
	Index     int    // ifindex
	Name      string // IFLA_IFNAME
	Flags     uint32 // IFF_*
	OperState uint8  // IF_OPER_*
	MTU       int
	MAC       [6]byte // zero if it is not an Ethernet address
	Kind      string  // IFLA_INFO_KIND, such as macvlan; empty for a NIC
	Alias     string
	// Below is IFLA_LINK, the link that carries this one, or the other end of a pair; it is in
	// another network namespace if Elsewhere.
	Below     int
	Elsewhere bool
	// Namespace is the id of the namespace of Below if Elsewhere.
	Namespace int
	Mode      uint32 // IFLA_MACVLAN_MODE of a macvlan or macvtap
	// Master is the bridge, bond or VRF of which it is a port; 0: none. MasterKind is the kind of
	// that (IFLA_INFO_SLAVE_KIND); empty if the kernel does not report it.
	Master     int
	MasterKind string
	AltNames   []string // its alternative names (IFLA_ALT_IFNAME)

	CarrierUps, CarrierDowns uint32 // how often the carrier came and went
}

// Up reports whether the link is administratively up.
func (l Link) Up() bool { return l.Flags&unix.IFF_UP != 0 }

// DecodeLink decodes a link message; false if it is not about a link itself (AF_BRIDGE: about a
// port) or lacks its index or name.
func DecodeLink(m netlink.Message) (l Link, ok bool) {
	b := m.Data
	if len(b) < unix.SizeofIfInfomsg || b[0] != unix.AF_UNSPEC {
		return l, false
	}
	l = Link{Index: int(int32(Uint32(b[4:]))), Flags: Uint32(b[8:])}
	for kind, value := range Attributes(b[unix.SizeofIfInfomsg:]) {
		switch kind {
		case unix.IFLA_IFNAME:
			l.Name = String(value)
		case unix.IFLA_OPERSTATE:
			l.OperState = Uint8(value)
		case unix.IFLA_MTU:
			l.MTU = int(Uint32(value))
		case unix.IFLA_ADDRESS:
			if len(value) == len(l.MAC) {
				l.MAC = [6]byte(value)
			}
		case unix.IFLA_IFALIAS:
			l.Alias = String(value)
		case unix.IFLA_LINK:
			l.Below = int(int32(Uint32(value)))
		case unix.IFLA_LINK_NETNSID:
			l.Elsewhere, l.Namespace = true, int(int32(Uint32(value)))
		case unix.IFLA_MASTER:
			l.Master = int(int32(Uint32(value)))
		case unix.IFLA_CARRIER_UP_COUNT:
			l.CarrierUps = Uint32(value)
		case unix.IFLA_CARRIER_DOWN_COUNT:
			l.CarrierDowns = Uint32(value)
		case unix.IFLA_LINKINFO:
			l.decodeInfo(value)
		case unix.IFLA_PROP_LIST:
			for kind, value := range Attributes(value) {
				if kind == unix.IFLA_ALT_IFNAME {
					l.AltNames = append(l.AltNames, String(value))
				}
			}
		}
	}
	return l, l.Index > 0 && l.Name != ""
}

// decodeInfo decodes IFLA_LINKINFO, in which the kind comes before its data.
func (l *Link) decodeInfo(b []byte) {
	const macvlanMode = 1 // IFLA_MACVLAN_MODE
	for kind, value := range Attributes(b) {
		switch {
		case kind == unix.IFLA_INFO_KIND:
			l.Kind = String(value)
		case kind == unix.IFLA_INFO_SLAVE_KIND:
			l.MasterKind = String(value)
		case kind == unix.IFLA_INFO_DATA && (l.Kind == "macvlan" || l.Kind == "macvtap"):
			for kind, value := range Attributes(value) {
				if kind == macvlanMode {
					l.Mode = Uint32(value)
				}
			}
		}
	}
}

// ListLinks returns the request for all links, for Dump.
func ListLinks() netlink.Message { return list(unix.RTM_GETLINK, unix.SizeofIfInfomsg) }

// LinkByIndex requests one link.
func (c *Conn) LinkByIndex(index int) (Link, error) {
	request := ListLinks()
	binary.NativeEndian.PutUint32(request.Data[4:], uint32(index))
	return c.link(request, fmt.Sprintf("link %d", index))
}

// LinkByName requests one link.
func (c *Conn) LinkByName(name string) (Link, error) {
	request := ListLinks()
	tail, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: unix.IFLA_IFNAME, Data: append([]byte(name), 0)}})
	if err != nil {
		return Link{}, fmt.Errorf("asking for the link %s: %w", name, err)
	}
	request.Data = append(request.Data, tail...)
	return c.link(request, "the link "+name)
}

func (c *Conn) link(request netlink.Message, what string) (Link, error) {
	answer, err := c.Execute(request)
	if err != nil {
		return Link{}, fmt.Errorf("asking for %s: %w", what, err)
	}
	l, ok := DecodeLink(answer)
	if !ok {
		return Link{}, fmt.Errorf("asking for %s: %w: the answer contains no link", what, ErrUnknown)
	}
	return l, nil
}
