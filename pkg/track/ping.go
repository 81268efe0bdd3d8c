package track

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Method is the protocol of a ping.
type Method uint8

// The methods.
const (
	// ICMP is an echo request, of ICMP or ICMPv6.
	ICMP Method = iota
	// Neighbor asks for the MAC of the address: ARP for IPv4, a neighbor solicitation for IPv6. A
	// station on the same segment answers whatever its firewall drops. It needs an interface. The
	// configuration calls it arp.
	Neighbor
)

// String returns the word of the configuration.
func (m Method) String() string { return [...]string{"icmp", "arp"}[m] }

// A ping asks every pingEvery, and at least pingQuestions times in its timeout: one lost frame is
// not a failure.
const (
	pingQuestions = 3
	pingEvery     = time.Second
)

// Ping is a check that asks another station for an answer. Addresses of this machine itself answer
// only to ICMP. It needs CAP_NET_RAW.
type Ping struct {
	Address netip.Addr
	// Interface is the interface of the questions and answers; empty: the kernel chooses by its
	// routes.
	Interface string
	Method    Method
}

// String implements Probe.
func (c Ping) String() string {
	s := fmt.Sprintf("%v %v", map[Method]string{ICMP: "ping", Neighbor: "arp"}[c.Method], c.Address)
	if c.Interface != "" {
		s += " on " + c.Interface
	}
	return s
}

func (c Ping) validate() error {
	switch {
	case !c.Address.IsValid():
		return errors.New("ping without an address")
	case c.Address.IsMulticast() || c.Address.IsUnspecified():
		return fmt.Errorf("ping %v: give the address of one station", c.Address)
	case c.Address.Zone() != "":
		return fmt.Errorf("ping %v: give the interface apart from the address", c.Address)
	case c.Method > Neighbor:
		return errors.New("ping: the method is icmp or arp")
	case c.Interface == "" && c.Method == Neighbor:
		return fmt.Errorf("ping %v: method arp needs an interface", c.Address)
	case c.Interface == "" && c.Address.IsLinkLocalUnicast() && c.Address.Is6():
		return fmt.Errorf("ping %v: a link-local address needs an interface", c.Address)
	}
	return nil
}
