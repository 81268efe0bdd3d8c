package addr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// tableName is that of the nftables table, of family inet, that is ours alone.
const tableName = "ripcord"

// LinuxFirewall is the Firewall of the network namespace it was opened in.
type LinuxFirewall struct {
	conn  *nftables.Conn
	heard deletions
	table *nftables.Table
	self  uint32 // netlink's port number of conn
}

var _ Firewall = (*LinuxFirewall)(nil)

// OpenFirewall opens a socket for requests and one for what the kernel tells.
func OpenFirewall() (*LinuxFirewall, error) {
	f := &LinuxFirewall{table: &nftables.Table{Family: nftables.TableFamilyINet, Name: tableName}}
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		f.self = c.PID()
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("opening the nftables socket: %w", err)
	}
	f.conn = conn
	if f.heard, err = listenForRemovals(); err != nil {
		_ = conn.CloseLasting()
		return nil, fmt.Errorf("listening to changes of nftables: %w", err)
	}
	return f, nil
}

// Close closes the sockets.
func (f *LinuxFirewall) Close() error { return errors.Join(f.conn.CloseLasting(), f.heard.Close()) }

// listenForRemovals opens a socket that gets only transactions that begin with
// the removal of a rule, a set, a chain or a table, as when the machine's own
// rules are loaded anew; not those of single elements, of which there may be
// many. The kernel puts the messages of one transaction together, and a filter
// sees the first.
func listenForRemovals() (deletions, error) {
	return listenForDeletions(unix.NETLINK_NETFILTER, []uint32{unix.NFNLGRP_NFTABLES},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELRULE, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELSET, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NFT_MSG_DELCHAIN, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.NFT_MSG_DELTABLE, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	)
}

// Listen calls gone for each such transaction that is not our own, and where some
// may have been missed.
func (f *LinuxFirewall) Listen(ctx context.Context, gone func()) {
	f.heard.tell(ctx, func() uint32 { return f.self }, gone)
}

// Drop replaces what the table holds in one transaction; without anything to
// drop there is no table.
func (f *LinuxFirewall) Drop(all []Refusal) error {
	f.conn.AddTable(f.table)
	if len(all) == 0 {
		f.conn.DelTable(f.table) // it is there now, whether or not it was
		return f.flush()
	}
	chain := f.conn.AddChain(&nftables.Chain{
		Name: "input", Table: f.table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityRef(-1), // before the machine's own rules
	})
	f.conn.FlushChain(chain)
	rule := func(parts ...[]expr.Any) {
		f.conn.AddRule(&nftables.Rule{Table: f.table, Chain: chain, Exprs: slices.Concat(parts...)})
	}
	rule(compare(expr.MetaKeyIIFNAME, ifname("lo")), verdict(expr.VerdictAccept))
	// NS and NA (RFC 9568 §6.1): the neighbours ask with them whether we live.
	for _, kind := range []byte{135, 136} {
		rule(compare(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_ICMPV6}),
			payload(expr.PayloadBaseTransportHeader, 0, []byte{kind}), verdict(expr.VerdictAccept))
	}
	var sets [2][]nftables.SetElement // of either family
	for _, r := range all {
		switch ip := r.Addr.AsSlice(); {
		case r.Interface != "":
			rule(compare(expr.MetaKeyIIFNAME, ifname(r.Interface)), compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}),
				payload(expr.PayloadBaseNetworkHeader, 24, ip), verdict(expr.VerdictDrop))
		case r.Addr.Is4():
			sets[0] = append(sets[0], nftables.SetElement{Key: ip})
		default:
			sets[1] = append(sets[1], nftables.SetElement{Key: ip})
		}
	}
	v4 := &nftables.Set{Table: f.table, Name: "ipv4", KeyType: nftables.TypeIPAddr}
	v6 := &nftables.Set{Table: f.table, Name: "ipv6", KeyType: nftables.TypeIP6Addr}
	if err := errors.Join(f.fill(v4, sets[0]), f.fill(v6, sets[1])); err != nil {
		return err
	}
	rule(compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV4}), destination(v4, 16, 4), verdict(expr.VerdictDrop))
	rule(compare(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}), destination(v6, 24, 16), verdict(expr.VerdictDrop))
	return f.flush()
}

// fill makes a set hold these elements alone.
func (f *LinuxFirewall) fill(set *nftables.Set, elements []nftables.SetElement) error {
	const most = 500 // in one attribute of at most 64 KiB
	if err := f.conn.AddSet(set, nil); err != nil {
		return fmt.Errorf("encoding an nftables set: %w", err)
	}
	f.conn.FlushSet(set)
	for part := range slices.Chunk(elements, most) {
		if err := f.conn.SetAddElements(set, part); err != nil {
			return fmt.Errorf("encoding an nftables set: %w", err)
		}
	}
	return nil
}

func (f *LinuxFirewall) flush() error {
	if err := f.conn.Flush(); err != nil {
		return fmt.Errorf("changing the nftables table %s: %w", tableName, err)
	}
	return nil
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
func destination(set *nftables.Set, offset, length uint32) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
	}
}

func verdict(kind expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: kind}} }

// ifname is a name as the kernel compares it.
func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
