package route

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// LinuxKernel is the Kernel of the network namespace in which it was opened.
type LinuxKernel struct {
	conn *rtnl.Conn
	// Watching is rtnl.Deletions.Asked of Watch.
	Watching func(error)
}

var _ Kernel = (*LinuxKernel)(nil)

// OpenKernel opens a socket for requests. It needs Linux 4.20, which lists routes by their
// protocol.
func OpenKernel() (*LinuxKernel, error) {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE, Strict: true})
	if err != nil {
		return nil, fmt.Errorf("opening the rtnetlink socket: %w", err)
	}
	return &LinuxKernel{conn: conn}, nil
}

// Close closes the socket.
func (k *LinuxKernel) Close() error { return k.conn.Close() }

// deletions are the deletions of routes with our mark and of all rules, and replacements of routes
// by other programs. A routing daemon that adds a million routes causes no wake-up. The 16 bytes of
// the nlmsghdr, with its flags at byte 6, precede an rtmsg, whose protocol is byte 5.
func deletions() rtnl.Deletions {
	const (
		protocol  = 16 + 5
		tools     = unix.RTPROT_STATIC // kernel, boot (the ip program), static (network managers)
		dhcp      = unix.RTPROT_DHCP
		keepalive = 18 // RTPROT_KEEPALIVED
	)
	groups := []uint32{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE}
	return rtnl.Deletions{Protocol: unix.NETLINK_ROUTE, Groups: groups, Filter: []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RTM_DELRULE, SkipTrue: 10},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RTM_NEWROUTE, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.RTM_DELROUTE, SkipTrue: 9},
		bpf.LoadAbsolute{Off: protocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: rtnl.Mark, SkipTrue: 6, SkipFalse: 7},
		loadReplace(),
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: unix.NLM_F_REPLACE >> 8, SkipTrue: 5},
		bpf.LoadAbsolute{Off: protocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: tools, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: dhcp, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: keepalive, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}}
}

// loadReplace loads the byte of an nlmsghdr's flags that contains NLM_F_REPLACE, in the host's byte
// order.
func loadReplace() bpf.Instruction {
	at := uint32(7)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		at = 6
	}
	return bpf.LoadAbsolute{Off: at, Size: 1}
}

// Watch calls changed when another program may have removed or replaced routes or rules with our
// mark, until ctx ends.
func (k *LinuxKernel) Watch(ctx context.Context, changed func()) {
	d := deletions()
	d.Asked = k.Watching
	d.Watch(ctx, k.conn.Port, changed)
}

// Add implements Kernel, in one batch.
func (k *LinuxKernel) Add(ops []Op) []error {
	return k.each(ops, netlink.Request|netlink.Create|netlink.Excl, unix.RTM_NEWROUTE, unix.RTM_NEWRULE)
}

// Replace implements Kernel.
func (k *LinuxKernel) Replace(ops []Op) []error {
	return k.each(ops, netlink.Request|netlink.Create|netlink.Replace, unix.RTM_NEWROUTE, unix.RTM_NEWRULE)
}

// Remove implements Kernel. The message contains the mark, and the kernel compares it.
func (k *LinuxKernel) Remove(ops []Op) []error {
	errs := k.each(ops, netlink.Request, unix.RTM_DELROUTE, unix.RTM_DELRULE)
	for i, err := range errs {
		// A route also disappears with its interface.
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
			errs[i] = fs.ErrNotExist
		}
	}
	return errs
}

func (k *LinuxKernel) each(ops []Op, flags netlink.HeaderFlags, route, rule netlink.HeaderType) []error {
	messages := make([]netlink.Message, 0, len(ops))
	for _, op := range ops {
		m := netlink.Message{Header: netlink.Header{Type: route, Flags: flags}}
		var err error
		switch e := op.Entry.(type) {
		case Route:
			if route == unix.RTM_DELROUTE {
				m.Data, err = removalMessage(op, e)
			} else {
				m.Data, err = routeMessage(op, e)
			}
		case Rule:
			m.Header.Type = rule
			m.Data, err = ruleMessage(e)
		}
		if err != nil { // an entry that cannot be encoded is a mistake of ours
			return slices.Repeat([]error{fmt.Errorf("encoding %s: %w", op, err)}, len(ops))
		}
		messages = append(messages, m)
	}
	return k.conn.Batch(messages)
}

// List implements Kernel. It requests the routes by their protocol, which the kernel filters, and
// all rules, of which there are few.
func (k *LinuxKernel) List() ([]Op, error) {
	var all []Op
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		routes, err := k.list(rtnl.ListRoutes(family, rtnl.Mark), routeOp)
		if err != nil {
			return nil, fmt.Errorf("listing routes: %w", err)
		}
		rules, err := k.list(rtnl.ListRules(family), ruleOp)
		if err != nil {
			return nil, fmt.Errorf("listing rules: %w", err)
		}
		all = append(all, k.named(routes)...)
		all = append(all, rules...)
	}
	return all, nil
}

// list returns nothing on a kernel without rules, or without the family.
func (k *LinuxKernel) list(request netlink.Message, decode func(netlink.Message) (Op, bool)) ([]Op, error) {
	ops, err := rtnl.Dump(k.conn, request, decode)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, nil
	}
	return ops, err
}

// named sets the names of the interfaces of routes, for the log.
func (k *LinuxKernel) named(routes []Op) []Op {
	for i := range routes {
		route := routes[i].Entry.(Route)
		if route.Type.Discards() {
			continue // over IPv6 the kernel lists the loopback interface, which was not requested
		}
		for n, index := range routes[i].Hops {
			if link, err := k.conn.LinkByIndex(index); err == nil {
				route.Hops[n].Interface = link.Name
			}
		}
		if link, err := k.conn.LinkByIndex(routes[i].Index); err == nil {
			route.Interface = link.Name
			routes[i].Entry = route
		}
	}
	return routes
}
