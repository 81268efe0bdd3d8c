package monitor

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/rtnl"
)

// answerWithin is how long the kernel may take for an answer: while another process holds its RTNL
// lock, requests wait.
const answerWithin = 5 * time.Second

// linux is the kernel of this machine.
type linux struct{}

func newKernel() *linux { return &linux{} }

var _ kernel = (*linux)(nil)

func (*linux) open(what subject) (stream, error) {
	if what == ofLinks {
		return listen(receiveBuffer, unix.RTNLGRP_LINK)
	}
	return listen(receiveBuffer, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
}

func (*linux) client() client { return nic.NewClient() }

// dump implements kernel. It uses a socket of its own.
func (*linux) dump(what subject) (link.Dump, error) {
	d := link.Dump{OfLinks: what == ofLinks, OfAddresses: what == ofAddresses}
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE, Timeout: answerWithin})
	if err != nil {
		return d, err
	}
	defer conn.Close()
	if what == ofLinks {
		d.Links, err = rtnl.Dump(conn, rtnl.ListLinks(), decodeLink)
	} else {
		d.Addresses, err = rtnl.Dump(conn, rtnl.ListAddresses(), decodeAddress)
	}
	switch {
	case errors.Is(err, rtnl.ErrInterrupted):
		return d, errInterrupted
	case err != nil:
		return d, fmt.Errorf("dump the kernel's list: %w", err)
	}
	return d, nil
}
