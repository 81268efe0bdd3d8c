package firewall

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
	// answerWithin is how long nftables may take for an answer after it has received the request,
	// which it executes within the system call that sends it.
	answerWithin = 2 * time.Second
	// These are nftables' types of set keys for IP addresses.
	typeIPv4, typeIPv6 = 7, 8
)

// LinuxKernel is the Kernel of the network namespace in which it was opened: an nftables table of
// its own.
type LinuxKernel struct {
	conn *rtnl.Conn
	made []string // our table, as the kernel listed it after the last Drop
	// Watching is rtnl.Deletions.Asked of Watch.
	Watching func(error)
}

var _ Kernel = (*LinuxKernel)(nil)

// OpenKernel opens a socket for requests. It sends none yet, so the first Drop finds out whether
// the kernel has nf_tables.
func OpenKernel() (*LinuxKernel, error) {
	return openKernel(rtnl.Config{Protocol: unix.NETLINK_NETFILTER, Timeout: answerWithin})
}

func openKernel(config rtnl.Config) (*LinuxKernel, error) {
	conn, err := rtnl.Dial(config)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		return nil, fmt.Errorf("%w (%w)", ErrNone, err)
	case err != nil:
		return nil, fmt.Errorf("opening the nftables socket: %w", err)
	}
	return &LinuxKernel{conn: conn}, nil
}

// Close closes the socket.
func (k *LinuxKernel) Close() error { return k.conn.Close() }

// tableDeletions are the transactions that begin with the removal of a rule, a set, a chain or a
// table, as when the machine's own rules are loaded again; not those of single elements, of which
// there may be many. The kernel puts the messages of one transaction together, and a filter sees
// only the first.
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

// Watch calls changed for each such transaction by others, and when some may have been missed,
// until ctx ends.
func (k *LinuxKernel) Watch(ctx context.Context, changed func()) {
	d := tableDeletions()
	d.Asked = k.Watching
	d.Watch(ctx, k.conn.Port, changed)
}

// Drop replaces our table in one transaction; without anything to drop there is none. The old table
// is deleted first, so that no changes by others remain.
func (k *LinuxKernel) Drop(all []Destination) error {
	k.made = nil
	if len(all) == 0 {
		return k.clear()
	}
	var t transaction
	t.newTable() // otherwise there may be none to delete
	t.delTable()
	t.newTable()
	t.newChain()
	addDrops(&t, all)
	if err := k.change(t); err != nil {
		return err
	}
	k.made, _ = k.state() // if this fails, the next audit programs the table again
	return nil
}

// addDrops adds the sets and rules that drop packets for these addresses.
func addDrops(t *transaction, all []Destination) {
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
	// NS and NA (RFC 9568 §6.1) are accepted: neighbors use them to find out whether we are alive.
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

// clear deletes our table if there is one. It asks first, so that nothing changes if no run ever
// made one.
func (k *LinuxKernel) clear() error {
	_, err := k.get(unix.NFT_MSG_GETTABLE, nftaTable, 0, "")
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w (%w)", ErrNone, err)
	case err != nil:
		return err
	}
	var t transaction
	t.newTable()
	t.delTable() // the table exists then, even if another program deleted it meanwhile
	return k.change(t)
}

func (k *LinuxKernel) change(t transaction) error {
	err := t.err
	if err == nil {
		err = k.conn.Transact(unix.NFNL_SUBSYS_NFTABLES, t.messages)
	}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w (%w)", ErrNone, err)
	case err != nil:
		return fmt.Errorf("changing the nftables table %s: %w", tableName, err)
	}
	return nil
}

// Stands implements Kernel: it compares our table as the kernel lists it with its state after
// the last Drop.
func (k *LinuxKernel) Stands() (bool, error) {
	now, err := k.state()
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && k.made != nil && slices.Equal(now, k.made), err
}

// state lists the content of our table: the table, its chain and rules, and the elements of its
// sets, in the kernel's order.
func (k *LinuxKernel) state() (all []string, err error) {
	table, err := k.get(unix.NFT_MSG_GETTABLE, nftaTable, 0, "")
	if err != nil {
		return nil, err
	}
	chain, err := k.get(unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME, chainName)
	if err != nil {
		return nil, err
	}
	rules, err := k.list(unix.NFT_MSG_GETRULE, chainName, func(m netlink.Message) []string { return []string{nftAttributes(m)} })
	if err != nil {
		return nil, err
	}
	all = append(append(all, table, chain), rules...)
	for _, set := range []string{set4Name, set6Name} {
		elements, err := k.list(unix.NFT_MSG_GETSETELEM, set, nftElements)
		if err != nil {
			return nil, err
		}
		slices.Sort(elements)
		all = append(append(all, set), elements...)
	}
	return all, nil
}

// get requests the table or a part of it.
func (k *LinuxKernel) get(kind uint8, table, name uint16, text string) (string, error) {
	request, err := nftGet(kind, table, name, text)
	if err != nil {
		return "", err
	}
	answer, err := k.conn.Execute(request)
	if err != nil {
		return "", fmt.Errorf("asking for the nftables table %s: %w", tableName, err)
	}
	return nftAttributes(answer), nil
}

// list dumps the unnamed parts of a chain or set of our table.
func (k *LinuxKernel) list(kind uint8, of string, decode func(netlink.Message) []string) ([]string, error) {
	request, err := nftGet(kind, nftaTable, nftaName, of)
	if err != nil {
		return nil, err
	}
	all, err := rtnl.Dump(k.conn, request, func(m netlink.Message) ([]string, bool) { return decode(m), true })
	if err != nil {
		return nil, fmt.Errorf("listing the nftables table %s: %w", tableName, err)
	}
	return slices.Concat(all...), nil
}

// compare selects the packets whose property has a value.
func compare(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

// payload selects the packets with these bytes at an offset.
func payload(base expr.PayloadBase, offset uint32, value []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(value))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value},
	}
}

// destination selects the packets whose destination is in a set.
func destination(set string, id, offset, length uint32) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: set, SetID: id},
	}
}

func verdict(kind expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: kind}} }
