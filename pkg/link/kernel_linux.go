package link

import (
	"fmt"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// patience is how long the kernel may take for an answer: while someone holds
// its RTNL lock, requests wait.
const patience = 5 * time.Second

// linux is the kernel that is there.
type linux struct{}

func newKernel() *linux { return &linux{} }

var _ kernel = (*linux)(nil)

// open implements kernel.
func (*linux) open(what subject) (stream, error) {
	if what == ofLinks {
		return listen(receiveBuffer, unix.RTNLGRP_LINK)
	}
	return listen(receiveBuffer, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
}

// dump implements kernel, on a socket of its own.
func (*linux) dump(what subject) (Dump, error) {
	d := Dump{OfLinks: what == ofLinks, OfAddresses: what == ofAddresses}
	m, err := listRequest(what)
	if err != nil {
		return d, err
	}
	s, err := dial()
	if err != nil {
		return d, err
	}
	defer s.close()
	err = s.request(m, time.Now().Add(patience), func(m netlink.Message) {
		o, err := decode(m.Header.Type, m.Data)
		if err != nil {
			return
		}
		switch o := o.(type) {
		case LinkSeen:
			d.Links = append(d.Links, o.Link)
		case AddressSeen:
			d.Addresses = append(d.Addresses, o.Address)
		}
	})
	if err != nil {
		return d, fmt.Errorf("dump the kernel's list: %w", err)
	}
	return d, nil
}

func listRequest(what subject) (netlink.Message, error) {
	m := netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request | netlink.Dump}}
	var err error
	if what == ofLinks {
		m.Data, err = (&rtnetlink.LinkMessage{}).MarshalBinary()
	} else {
		m.Header.Type = unix.RTM_GETADDR
		m.Data, err = (&rtnetlink.AddressMessage{}).MarshalBinary()
	}
	return m, err
}
