package addr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

const (
	// firewallPatience is how long nftables may take for an answer once it has the
	// request, which it executes within the system call that sends it.
	firewallPatience = 2 * time.Second
	// Of nftables' types of set keys these are those of IP addresses.
	typeIPv4, typeIPv6 = 7, 8
)

// LinuxFirewall is the Firewall of the network namespace it was opened in: an
// nftables table of its own.
type LinuxFirewall struct {
	conn *rtnl.Conn
	made []string // what the kernel said our table holds after the last Drop
}

var _ Firewall = (*LinuxFirewall)(nil)

// OpenFirewall opens a socket for requests. It asks nothing yet, so that a kernel
// without nf_tables is found out by the first Drop.
func OpenFirewall() (*LinuxFirewall, error) {
	return openFirewall(rtnl.Config{Protocol: unix.NETLINK_NETFILTER, Patience: firewallPatience})
}

func openFirewall(config rtnl.Config) (*LinuxFirewall, error) {
	conn, err := rtnl.Dial(config)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		return nil, fmt.Errorf("%w (%w)", ErrNoFirewall, err)
	case err != nil:
		return nil, fmt.Errorf("opening the nftables socket: %w", err)
	}
	return &LinuxFirewall{conn: conn}, nil
}

// Close closes the socket.
func (f *LinuxFirewall) Close() error { return f.conn.Close() }

// tableDeletions are the transactions that begin with the removal of a rule, a set, a
// chain or a table, as when the machine's own rules are loaded anew; not those of
// single elements, of which there may be many. The kernel puts the messages of one
// transaction together, and a filter sees the first.
func tableDeletions() rtnl.Deletions {
	return rtnl.Deletions{Protocol: unix.NETLINK_NETFILTER, Groups: []uint32{unix.NFNLGRP_NFTABLES}, Filter: []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELRULE, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELSET, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELCHAIN, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.NFT_MSG_DELTABLE, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}}
}

// Listen calls gone for each such transaction that is not our own, and where some
// may have been missed.
func (f *LinuxFirewall) Listen(ctx context.Context, gone func()) {
	tableDeletions().Watch(ctx, f.conn.Port, gone)
}

// Drop replaces our table in one transaction; without anything to drop there is
// none. It is deleted first, so that nothing remains that others did to it.
func (f *LinuxFirewall) Drop(all []Refusal) error {
	f.made = nil
	if len(all) == 0 {
		return f.clear()
	}
	var t transaction
	t.newTable() // else there may be none to delete
	t.delTable()
	t.newTable()
	t.newChain()
	f.refuse(&t, all)
	if err := f.change(t); err != nil {
		return err
	}
	f.made, _ = f.state() // where that fails the next audit makes it anew
	return nil
}

// refuse adds the sets and rules that drop what comes for these addresses.
func (f *LinuxFirewall) refuse(t *transaction, all []Refusal) {
	var elements4, elements6 [][]byte
	for _, r := range all {
		switch ip := r.Addr.AsSlice(); {
		case r.Interface != "":
		case r.Addr.Is4():
			elements4 = append(elements4, ip)
		default:
			elements6 = append(elements6, ip)
		}
	}
	t.newSet(set4Name, 1, typeIPv4, 4, elements4)
	t.newSet(set6Name, 2, typeIPv6, 16, elements6)
	rule := func(parts ...[]expr.Any) { t.newRule(slices.Concat(parts...)) }
	rule(compare(expr.MetaKeyIIFNAME, ifname("lo")), verdict(expr.VerdictAccept))
	// NS and NA (RFC 9568 §6.1): the neighbors ask with them whether we live.
	for _, kind := range []byte{135, 136} {
		rule(compare(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_ICMPV6}),
			payload(expr.PayloadBaseTransportHeader, 0, []byte{kind}), verdict(expr.VerdictAccept))
	}
	for _, r := range all {
		if r.Interface != "" {
			rule(compare(expr.MetaKeyIIFNAME, ifname(r.Interface)), compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}),
				payload(expr.PayloadBaseNetworkHeader, 24, r.Addr.AsSlice()), verdict(expr.VerdictDrop))
		}
	}
	rule(compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV4}), destination(set4Name, 1, 16, 4), verdict(expr.VerdictDrop))
	rule(compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}), destination(set6Name, 2, 24, 16), verdict(expr.VerdictDrop))
}

// clear deletes our table if there is one. Asking first keeps it from changing
// anything where no run ever made one.
func (f *LinuxFirewall) clear() error {
	_, err := f.get(unix.NFT_MSG_GETTABLE, nftaTable, 0, "")
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w (%w)", ErrNoFirewall, err)
	case err != nil:
		return err
	}
	var t transaction
	t.newTable()
	t.delTable() // there it is, whoever deleted it meanwhile
	return f.change(t)
}

func (f *LinuxFirewall) change(t transaction) error {
	err := t.err
	if err == nil {
		err = f.conn.Transact(unix.NFNL_SUBSYS_NFTABLES, t.messages)
	}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w (%w)", ErrNoFirewall, err)
	case err != nil:
		return fmt.Errorf("changing the nftables table %s: %w", tableName, err)
	}
	return nil
}

// Stands implements Firewall: it compares what the kernel says our table holds with
// what it said after the last Drop.
func (f *LinuxFirewall) Stands() (bool, error) {
	now, err := f.state()
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && f.made != nil && slices.Equal(now, f.made), err
}

// state lists what our table holds: the table, its chain and rules, and the elements
// of its sets, in no order of their own.
func (f *LinuxFirewall) state() (all []string, err error) {
	table, err := f.get(unix.NFT_MSG_GETTABLE, nftaTable, 0, "")
	if err != nil {
		return nil, err
	}
	chain, err := f.get(unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME, chainName)
	if err != nil {
		return nil, err
	}
	rules, err := f.list(unix.NFT_MSG_GETRULE, chainName, func(m netlink.Message) []string { return []string{nftAttributes(m)} })
	if err != nil {
		return nil, err
	}
	all = append(append(all, table, chain), rules...)
	for _, set := range []string{set4Name, set6Name} {
		elements, err := f.list(unix.NFT_MSG_GETSETELEM, set, nftElements)
		if err != nil {
			return nil, err
		}
		slices.Sort(elements)
		all = append(append(all, set), elements...)
	}
	return all, nil
}

// get asks for the table or a part of it.
func (f *LinuxFirewall) get(kind uint8, table, name uint16, text string) (string, error) {
	request, err := nftGet(kind, table, name, text)
	if err != nil {
		return "", err
	}
	answer, err := f.conn.Execute(request)
	if err != nil {
		return "", fmt.Errorf("asking for the nftables table %s: %w", tableName, err)
	}
	return nftAttributes(answer), nil
}

// list dumps the parts of our table that have no name, of a chain or set.
func (f *LinuxFirewall) list(kind uint8, of string, decode func(netlink.Message) []string) ([]string, error) {
	request, err := nftGet(kind, nftaTable, nftaName, of)
	if err != nil {
		return nil, err
	}
	all, err := rtnl.Dump(f.conn, request, func(m netlink.Message) ([]string, bool) { return decode(m), true })
	if err != nil {
		return nil, fmt.Errorf("listing the nftables table %s: %w", tableName, err)
	}
	return slices.Concat(all...), nil
}

// compare goes on with the packets whose property has a value.
func compare(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

// payload goes on with the packets that have these bytes there.
func payload(base expr.PayloadBase, offset uint32, value []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(value))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value},
	}
}

// destination goes on with the packets whose destination is in a set.
func destination(set string, id, offset, length uint32) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: set, SetID: id},
	}
}

func verdict(kind expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: kind}} }

// ifname is a name as the kernel compares it.
func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
