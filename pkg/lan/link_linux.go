package lan

import (
	"fmt"
	"net"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/jsimonetti/rtnetlink/v2/driver"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// answering bounds each request to the kernel.
const answering = 30 * time.Second

// Link is the kernel's state of an interface.
type Link struct {
	Name      string
	Index     int
	MAC       MAC
	AdminUp   bool  // IFF_UP
	Running   bool  // IFF_RUNNING: may be up to 1 s late
	Carrier   bool  // IFF_LOWER_UP: current
	OperState uint8 // IFLA_OPERSTATE, 6 is UP: may be late, as IFF_RUNNING
	UpCount   uint32
	DownCount uint32
}

// Links lists the interfaces of the namespace. It requests a dump, which does not make the kernel
// announce anything earlier.
func (n *Namespace) Links() ([]Link, error) {
	n.bound()
	messages, err := n.conn.Link.List()
	if err != nil {
		return nil, fmt.Errorf("namespace %s: list links: %w", n.name, err)
	}
	links := make([]Link, 0, len(messages))
	for i := range messages {
		links = append(links, linkOf(&messages[i]))
	}
	return links, nil
}

// Link returns the interface of a name; see Links.
func (n *Namespace) Link(name string) (Link, error) {
	links, err := n.Links()
	if err != nil {
		return Link{}, err
	}
	for _, l := range links {
		if l.Name == name {
			return l, nil
		}
	}
	return Link{}, fmt.Errorf("namespace %s has no interface %s", n.name, name)
}

// adminUp reports whether an interface is administratively up; see Links.
func (n *Namespace) adminUp(index int) (bool, error) {
	links, err := n.Links()
	if err != nil {
		return false, err
	}
	for _, l := range links {
		if l.Index == index {
			return l.AdminUp, nil
		}
	}
	return false, fmt.Errorf("namespace %s has no interface %d", n.name, index)
}

func linkOf(m *rtnetlink.LinkMessage) Link {
	l := Link{
		Index:   int(m.Index),
		AdminUp: m.Flags&unix.IFF_UP != 0,
		Running: m.Flags&unix.IFF_RUNNING != 0,
		Carrier: m.Flags&unix.IFF_LOWER_UP != 0,
	}
	if a := m.Attributes; a != nil {
		l.Name = a.Name
		l.OperState = uint8(a.OperationalState)
		copy(l.MAC[:], a.Address)
		if a.CarrierUpCount != nil && a.CarrierDownCount != nil {
			l.UpCount, l.DownCount = *a.CarrierUpCount, *a.CarrierDownCount
		}
	}
	return l
}

// bound sets the deadline of the next request. A later request postpones it.
func (n *Namespace) bound() { _ = n.conn.SetReadDeadline(time.Now().Add(answering)) }

// settled reports whether the interface has carrier and the kernel has processed that. The request
// makes the kernel process it, so settled is for building a LAN only.
func (n *Namespace) settled(index int) (bool, error) {
	n.bound()
	m, err := n.conn.Link.Get(uint32(index))
	if err != nil {
		return false, fmt.Errorf("namespace %s: ask for interface %d: %w", n.name, index, err)
	}
	l := linkOf(&m)
	return l.Carrier && l.Running && l.OperState == uint8(rtnetlink.OperStateUp), nil
}

// setUp sets an interface administratively up or down.
func (n *Namespace) setUp(index int, up bool) error {
	m := &rtnetlink.LinkMessage{Index: uint32(index), Change: unix.IFF_UP}
	if up {
		m.Flags = unix.IFF_UP
	}
	n.bound()
	if err := n.conn.Link.Set(m); err != nil {
		return fmt.Errorf("namespace %s: set interface %d up=%t: %w", n.name, index, up, err)
	}
	return nil
}

// end is one end of a veth.
type end struct {
	space *Namespace
	name  string
	index int // 0: the kernel chooses it
	mac   MAC
}

func (e end) message() *rtnetlink.LinkMessage {
	m := &rtnetlink.LinkMessage{
		Index: uint32(e.index),
		Attributes: &rtnetlink.LinkAttributes{
			Name:  e.name,
			NetNS: rtnetlink.NetNSForFD(uint32(e.space.file.Fd())),
		},
	}
	if e.mac != (MAC{}) {
		m.Attributes.Address = net.HardwareAddr(e.mac[:])
	}
	return m
}

// makeVeth makes a veth with both ends down.
func makeVeth(a, b end) error {
	m := a.message()
	m.Attributes.Info = &rtnetlink.LinkInfo{Kind: "veth", Data: &driver.Veth{PeerInfo: b.message()}}
	a.space.bound()
	if err := a.space.conn.Link.New(m); err != nil {
		return fmt.Errorf("make a veth from %s in %s to %s in %s: %w", a.name, a.space.name, b.name, b.space.name, err)
	}
	return nil
}

// enslave makes an interface a port of a bridge.
func (n *Namespace) enslave(index, bridge int) error {
	master := uint32(bridge)
	n.bound()
	err := n.conn.Link.Set(&rtnetlink.LinkMessage{
		Index:      uint32(index),
		Attributes: &rtnetlink.LinkAttributes{Master: &master},
	})
	if err != nil {
		return fmt.Errorf("namespace %s: put interface %d on bridge %d: %w", n.name, index, bridge, err)
	}
	return nil
}

// remove deletes an interface.
func (n *Namespace) remove(index int) error {
	n.bound()
	if err := n.conn.Link.Delete(uint32(index)); err != nil {
		return fmt.Errorf("namespace %s: delete interface %d: %w", n.name, index, err)
	}
	return nil
}

// bridge is the LinkDriver of a bridge that forwards as soon as it exists.
type bridge struct{}

var _ rtnetlink.LinkDriver = bridge{}

func (bridge) New() rtnetlink.LinkDriver              { return bridge{} }
func (bridge) Kind() string                           { return "bridge" }
func (bridge) Decode(*netlink.AttributeDecoder) error { return nil }
func (bridge) Encode(ae *netlink.AttributeEncoder) error {
	ae.Uint32(unix.IFLA_BR_STP_STATE, 0)
	ae.Uint32(unix.IFLA_BR_FORWARD_DELAY, 0)
	ae.Uint8(unix.IFLA_BR_MCAST_SNOOPING, 0)
	return nil
}

// spanningTree is the LinkDriver that turns on a bridge's spanning tree.
type spanningTree struct{ delay time.Duration }

var _ rtnetlink.LinkDriver = spanningTree{}

func (spanningTree) New() rtnetlink.LinkDriver              { return spanningTree{} }
func (spanningTree) Kind() string                           { return "bridge" }
func (spanningTree) Decode(*netlink.AttributeDecoder) error { return nil }
func (t spanningTree) Encode(ae *netlink.AttributeEncoder) error {
	ae.Uint32(unix.IFLA_BR_FORWARD_DELAY, uint32(t.delay/(10*time.Millisecond))) // in USER_HZ
	ae.Uint32(unix.IFLA_BR_STP_STATE, 1)
	return nil
}

// snooping is the LinkDriver that makes a bridge snoop IGMP and MLD and query itself,
// in IGMPv2 and MLDv1.
type snooping struct{}

var _ rtnetlink.LinkDriver = snooping{}

func (snooping) New() rtnetlink.LinkDriver              { return snooping{} }
func (snooping) Kind() string                           { return "bridge" }
func (snooping) Decode(*netlink.AttributeDecoder) error { return nil }
func (snooping) Encode(ae *netlink.AttributeEncoder) error {
	ae.Uint8(unix.IFLA_BR_MCAST_SNOOPING, 1)
	ae.Uint8(unix.IFLA_BR_MCAST_QUERIER, 1)
	return nil
}

// setBridge changes settings of a bridge. Ports that forward already go on.
func (n *Namespace) setBridge(index int, settings rtnetlink.LinkDriver) error {
	n.bound()
	err := n.conn.Link.Set(&rtnetlink.LinkMessage{
		Index:      uint32(index),
		Attributes: &rtnetlink.LinkAttributes{Info: &rtnetlink.LinkInfo{Kind: "bridge", Data: settings}},
	})
	if err != nil {
		return fmt.Errorf("namespace %s: change the settings of bridge %d: %w", n.name, index, err)
	}
	return nil
}

// makeBridge makes a bridge and sets it up.
func (n *Namespace) makeBridge(name string, index int, mac MAC) error {
	n.bound()
	err := n.conn.Link.New(&rtnetlink.LinkMessage{
		Index: uint32(index),
		Attributes: &rtnetlink.LinkAttributes{
			Name:    name,
			Address: net.HardwareAddr(mac[:]),
			Info:    &rtnetlink.LinkInfo{Kind: "bridge", Data: bridge{}},
		},
	})
	if err != nil {
		return fmt.Errorf("namespace %s: make bridge %s: %w", n.name, name, err)
	}
	return n.setUp(index, true)
}
