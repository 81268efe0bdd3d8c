package addr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// LinuxRouting is the Routing of the network namespace it was opened in.
type LinuxRouting struct {
	*netlinkKernel
	heard deletions
}

var _ Routing = (*LinuxRouting)(nil)

// OpenRouting opens a socket for requests and one for what the kernel tells. It
// needs Linux 4.20, which lists routes by their protocol.
func OpenRouting() (*LinuxRouting, error) {
	k, err := openNetlink()
	if err != nil {
		return nil, err
	}
	if err := k.conn.SetOption(netlink.GetStrictCheck, true); err != nil {
		k.Close()
		return nil, fmt.Errorf("asking the kernel to filter its lists of routes (needs Linux 4.20): %w", err)
	}
	heard, err := listenForWays()
	if err != nil {
		k.Close()
		return nil, fmt.Errorf("listening to changes of routes and rules: %w", err)
	}
	return &LinuxRouting{k, heard}, nil
}

// Close closes the sockets.
func (r *LinuxRouting) Close() error { return errors.Join(r.netlinkKernel.Close(), r.heard.Close()) }

// listenForWays opens a socket that gets only the deletions of routes with our
// mark, and of rules: where a router takes in a million routes, nobody is woken.
// After the 16 bytes of the nlmsghdr stands an rtmsg, whose protocol is byte 5.
func listenForWays() (deletions, error) {
	groups := []uint32{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE}
	return listenForDeletions(unix.NETLINK_ROUTE, groups,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RTM_DELRULE, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.RTM_DELROUTE, SkipTrue: 3},
		bpf.LoadAbsolute{Off: 16 + 5, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: mark, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	)
}

// Listen calls gone for each deletion that is not our own, and where some may
// have been missed.
func (r *LinuxRouting) Listen(ctx context.Context, gone func()) {
	r.heard.tell(ctx, r.conn.PID(), gone)
}

// AddWays adds with one system call for each batchMax routes and rules.
func (r *LinuxRouting) AddWays(ops []WayOp) []error {
	return r.each(ops, netlink.Request|netlink.Create|netlink.Excl, unix.RTM_NEWROUTE, unix.RTM_NEWRULE)
}

// RemoveWays removes in the same way. The message names the mark, and the kernel
// compares it.
func (r *LinuxRouting) RemoveWays(ops []WayOp) []error {
	errs := r.each(ops, netlink.Request, unix.RTM_DELROUTE, unix.RTM_DELRULE)
	for i, err := range errs {
		// With its interface a route is gone, too.
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
			errs[i] = nil
		}
	}
	return errs
}

func (r *LinuxRouting) each(ops []WayOp, flags netlink.HeaderFlags, route, rule netlink.HeaderType) []error {
	var errs []error
	for part := range slices.Chunk(ops, batchMax) {
		messages := make([]netlink.Message, 0, len(part)+1)
		for _, op := range part {
			m := netlink.Message{Header: netlink.Header{Type: route, Flags: flags}}
			var err error
			switch w := op.Way.(type) {
			case Route:
				m.Data, err = routeMessage(w, op.Index)
			case Rule:
				m.Header.Type = rule
				m.Data, err = ruleMessage(w)
			}
			if err != nil { // one that cannot be encoded is a mistake of ours
				return slices.Repeat([]error{fmt.Errorf("encoding %s: %w", op, err)}, len(ops))
			}
			messages = append(messages, m)
		}
		errs = append(errs, r.answers(messages)...)
	}
	return errs
}

// ListWays asks for the routes by their protocol, which the kernel filters, and
// for all rules, of which there are few.
func (r *LinuxRouting) ListWays() ([]WayOp, error) {
	var all []WayOp
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		for _, what := range []netlink.HeaderType{unix.RTM_GETROUTE, unix.RTM_GETRULE} {
			ops, err := r.listWays(family, what)
			if err != nil {
				return nil, err
			}
			all = append(all, ops...)
		}
	}
	return all, nil
}

func (r *LinuxRouting) listWays(family uint8, what netlink.HeaderType) (all []WayOp, err error) {
	ask := make([]byte, unix.SizeofRtMsg) // a fib_rule_hdr is as long
	ask[0] = family
	if what == unix.RTM_GETROUTE {
		ask[5] = mark
	}
	if err := r.deadline(); err != nil {
		return nil, err
	}
	answers, err := r.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: what, Flags: netlink.Request | netlink.Dump}, Data: ask,
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, nil // a kernel without rules, or without the family
	}
	for _, a := range answers {
		var op WayOp
		var ours bool
		switch a.Header.Type {
		case unix.RTM_NEWROUTE:
			op, ours, err = parseRoute(a.Data)
		case unix.RTM_NEWRULE:
			op, ours, err = parseRule(a.Data)
		}
		if err != nil {
			break
		}
		if ours {
			all = append(all, op)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listing routes and rules: %w", err)
	}
	return all, nil
}
