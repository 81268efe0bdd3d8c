package firewall

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// ReadRuleset lists the nftables rules in the network namespace of the caller. Without nf_tables
// there are no chains.
func ReadRuleset() (*Ruleset, error) {
	r := &Ruleset{Sets: make(map[string]Set)}
	k, err := OpenKernel()
	switch {
	case errors.Is(err, ErrNone):
		return r, nil
	case err != nil:
		return nil, err
	}
	defer k.Close()
	switch r.Chains, err = dump(k.conn, unix.NFT_MSG_GETCHAIN, nil, decodeChain); {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT):
		return &Ruleset{}, nil // the kernel has no nf_tables
	case err != nil:
		return nil, fmt.Errorf("listing the chains of nftables: %w", err)
	}
	rules, err := dump(k.conn, unix.NFT_MSG_GETRULE, nil, decodeRule)
	if err != nil {
		return nil, fmt.Errorf("listing the rules of nftables: %w", err)
	}
	for _, rule := range rules {
		for i := range r.Chains {
			if c := &r.Chains[i]; c.Family == rule.family && c.Table == rule.table && c.Name == rule.chain {
				c.Rules = append(c.Rules, rule.Rule)
			}
		}
	}
	sets, err := dump(k.conn, unix.NFT_MSG_GETSET, nil, decodeSet)
	if err != nil {
		return nil, fmt.Errorf("listing the sets of nftables: %w", err)
	}
	for _, s := range sets {
		r.Sets[SetKey(s.family, s.table, s.name)] = s.elements(k.conn)
	}
	return r, nil
}

// dump lists the objects of one kind, of all families.
func dump[T any](conn *rtnl.Conn, kind uint8, attributes []byte, decode func(family Family, attributes []byte) (T, bool)) ([]T, error) {
	request := netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES)<<8 | netlink.HeaderType(kind)},
		Data:   append([]byte{unix.NFPROTO_UNSPEC, 0, 0, 0}, attributes...),
	}
	return rtnl.Dump(conn, request, func(m netlink.Message) (T, bool) {
		if len(m.Data) < nfgenHeader {
			var none T
			return none, false
		}
		return decode(Family(m.Data[0]), m.Data[nfgenHeader:])
	})
}

// number returns an attribute's number, which nftables keeps in network byte order.
func number(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// These are numbers of linux/netfilter/nf_tables.h that x/sys does not name.
const (
	hookDevice     = 3 // NFTA_HOOK_DEV
	hookDevices    = 4 // NFTA_HOOK_DEVS
	setInterval    = 0x4
	setCatchall    = 0x2 // NFT_SET_ELEM_CATCHALL
	elementKeyEnd  = 10  // NFTA_SET_ELEM_KEY_END
	verdictCode    = 1
	verdictChain   = 2
	metaSource     = 3 // NFTA_META_SREG
	ctKeyState     = 0
	registerResult = 0 // NFT_REG_VERDICT
	verdictDrop    = 0 // NF_DROP
)

func decodeChain(f Family, b []byte) (c Chain, ok bool) {
	c.Family = f
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_CHAIN_TABLE:
			c.Table = rtnl.String(value)
		case unix.NFTA_CHAIN_NAME:
			c.Name = rtnl.String(value)
		case unix.NFTA_CHAIN_POLICY:
			c.Drops = number(value) == verdictDrop
		case unix.NFTA_CHAIN_HOOK:
			c.Base = true
			c.decodeHook(value)
		}
	}
	return c, c.Name != ""
}

func (c *Chain) decodeHook(b []byte) {
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_HOOK_HOOKNUM:
			c.Hook = number(value)
		case unix.NFTA_HOOK_PRIORITY:
			c.Priority = int32(number(value))
		case hookDevice:
			c.Devices = append(c.Devices, rtnl.String(value))
		case hookDevices:
			for _, name := range rtnl.Attributes(value) {
				if name := rtnl.String(name); !slices.Contains(c.Devices, name) {
					c.Devices = append(c.Devices, name)
				}
			}
		}
	}
}

// listedRule is a rule with the name of its chain.
type listedRule struct {
	family       Family
	table, chain string
	Rule
}

func decodeRule(f Family, b []byte) (r listedRule, ok bool) {
	r.family = f
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_RULE_TABLE:
			r.table = rtnl.String(value)
		case unix.NFTA_RULE_CHAIN:
			r.chain = rtnl.String(value)
		case unix.NFTA_RULE_HANDLE:
			if len(value) >= 8 {
				r.Handle = binary.BigEndian.Uint64(value)
			}
		case unix.NFTA_RULE_EXPRESSIONS:
			for _, e := range rtnl.Attributes(value) {
				r.Parts = append(r.Parts, decodePart(f, e))
			}
		}
	}
	return r, r.chain != ""
}

// decodePart decodes an expression. An expression that is not understood is a condition that cannot
// be evaluated.
func decodePart(f Family, b []byte) Part {
	var name string
	var data []byte
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_EXPR_NAME:
			name = rtnl.String(value)
		case unix.NFTA_EXPR_DATA:
			data = value
		}
	}
	switch name {
	case "counter", "log", "dup", "flow_offload", "secmark", "ct helper":
		return Part{Operation: Neutral}
	case "notrack":
		return Part{Operation: Untrack}
	case "immediate":
		return decodeImmediate(data)
	case "meta":
		return decodeMeta(data)
	case "reject":
		return Part{Operation: Decide, Verdict: Verdict{Kind: Drop}}
	case "queue": // another program decides
		return Part{Operation: Decide, Verdict: Verdict{Kind: Accept}}
	case "match", "target":
		return decodeExtension(name, data)
	}
	if part, err := decodeKnown(byte(f), name, data); err == nil {
		return part
	}
	return Part{Operation: Unknown}
}

// decodeExtension decodes one of iptables' own matches and targets. Those without a decision are
// recognized by their names.
func decodeExtension(kind string, data []byte) Part {
	var name string
	for attribute, value := range rtnl.Attributes(data) {
		if attribute == 1 { // NFTA_MATCH_NAME, NFTA_TARGET_NAME
			name = rtnl.String(value)
		}
	}
	switch {
	case kind == "match" && name == "comment",
		kind == "target" && slices.Contains([]string{"LOG", "NFLOG", "MARK", "CONNMARK", "TRACE", "DSCP", "TOS", "AUDIT"}, name):
		return Part{Operation: Neutral}
	case kind == "target" && name == "CT":
		return Part{Operation: Untrack}
	case kind == "target" && name == "REJECT":
		return Part{Operation: Decide, Verdict: Verdict{Kind: Drop}}
	case kind == "target":
		return Part{Operation: Decide, Verdict: Verdict{Kind: Accept}} // it may accept
	}
	return Part{Operation: Unknown}
}

func decodeMeta(data []byte) Part {
	p := Part{Operation: LoadMeta, Length: 4}
	for kind, value := range rtnl.Attributes(data) {
		switch kind {
		case unix.NFTA_META_DREG:
			p.To = number(value)
		case unix.NFTA_META_KEY:
			p.Meta = number(value)
		case metaSource:
			return Part{Operation: Neutral} // it sets a mark
		}
	}
	if p.Meta == metaNameIn || p.Meta == metaNameOut {
		p.Length = unix.IFNAMSIZ
	}
	return p
}

// decodeImmediate decodes a verdict, or a constant that is put into a register.
func decodeImmediate(data []byte) Part {
	p := Part{Operation: LoadOther, Length: 16}
	for kind, value := range rtnl.Attributes(data) {
		switch kind {
		case unix.NFTA_IMMEDIATE_DREG:
			if p.To = number(value); p.To == registerResult {
				p.Operation = Decide
			}
		case unix.NFTA_IMMEDIATE_DATA:
			for kind, value := range rtnl.Attributes(value) {
				if kind == unix.NFTA_DATA_VERDICT {
					p.Verdict = decodeVerdict(value)
				}
			}
		}
	}
	return p
}

func decodeVerdict(b []byte) (v Verdict) {
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case verdictCode:
			switch int32(number(value)) {
			case verdictDrop:
				v.Kind = Drop
			case unix.NFT_RETURN:
				v.Kind = Return
			case unix.NFT_JUMP:
				v.Kind = Jump
			case unix.NFT_GOTO:
				v.Kind = Goto
			case unix.NFT_CONTINUE, unix.NFT_BREAK:
			default: // and NF_QUEUE: another program decides
				v.Kind = Accept
			}
		case verdictChain:
			v.Chain = rtnl.String(value)
		}
	}
	return v
}

var errUnknown = errors.New("an expression that is not understood")

// decodeKnown decodes the expressions that nft uses for ordinary conditions.
func decodeKnown(f byte, name string, data []byte) (p Part, err error) {
	switch name {
	case "cmp":
		var e expr.Cmp
		err = expr.Unmarshal(f, data, &e)
		p = Part{Operation: Compare, From: e.Register, Relation: Relation(e.Op), Value: e.Data}
	case "range":
		var e expr.Range
		err = expr.Unmarshal(f, data, &e)
		p = Part{Operation: Between, From: e.Register, Value: e.FromData, High: e.ToData, Not: e.Op == expr.CmpOpNeq}
	case "payload":
		var e expr.Payload
		err = expr.Unmarshal(f, data, &e)
		p = Part{Operation: LoadPayload, To: e.DestRegister, Base: uint32(e.Base), Offset: e.Offset, Length: e.Len}
		if e.OperationType == expr.PayloadWrite {
			p = Part{Operation: Neutral}
		}
	case "ct":
		var e expr.Ct
		err = expr.Unmarshal(f, data, &e)
		p = Part{Operation: LoadOther, To: e.Register, Length: 16}
		switch {
		case e.SourceRegister:
			p = Part{Operation: Neutral}
		case e.Key == ctKeyState:
			p = Part{Operation: LoadState, To: e.Register, Length: 4}
		}
	case "bitwise":
		var e expr.Bitwise
		if err = expr.Unmarshal(f, data, &e); err == nil && len(e.Mask) == 0 {
			return Part{Operation: LoadOther, To: e.DestRegister, Length: 16}, nil // a shift
		}
		p = Part{Operation: Mask, From: e.SourceRegister, To: e.DestRegister, Mask: e.Mask, Value: e.Xor}
	case "lookup":
		var e expr.Lookup
		err = expr.Unmarshal(f, data, &e)
		p = Part{Operation: Lookup, From: e.SourceRegister, Set: e.SetName, Not: e.Invert}
		if e.IsDestRegSet && e.DestRegister == registerResult {
			p.Mapped = true
		} else if e.IsDestRegSet { // a map of values, as in NAT
			p = Part{Operation: LoadOther, To: e.DestRegister, Length: 16}
		}
	default:
		err = errUnknown
	}
	return p, err
}

// listedSet is a set in the list of all sets, without its elements.
type listedSet struct {
	family      Family
	table, name string
	flags       uint32
}

func decodeSet(f Family, b []byte) (s listedSet, ok bool) {
	s.family = f
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_SET_TABLE:
			s.table = rtnl.String(value)
		case unix.NFTA_SET_NAME:
			s.name = rtnl.String(value)
		case unix.NFTA_SET_FLAGS:
			s.flags = number(value)
		}
	}
	return s, s.name != ""
}

// elements lists the elements of a set. An element that cannot be read, or is of an unknown kind,
// makes the set opaque.
func (s listedSet) elements(conn *rtnl.Conn) Set {
	set := Set{Intervals: s.flags&setInterval != 0}
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.NFTA_SET_ELEM_LIST_TABLE, s.table)
	ae.String(unix.NFTA_SET_ELEM_LIST_SET, s.name)
	attributes, err := ae.Encode()
	if err != nil {
		return Set{Opaque: true}
	}
	request := netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES)<<8 | unix.NFT_MSG_GETSETELEM},
		Data:   append([]byte{byte(s.family), 0, 0, 0}, attributes...),
	}
	listed, err := rtnl.Dump(conn, request, func(m netlink.Message) ([]string, bool) { return nftElements(m), true })
	if err != nil {
		return Set{Opaque: true}
	}
	for _, part := range listed {
		for _, b := range part {
			e, ok := decodeElement([]byte(b))
			set.Opaque = set.Opaque || !ok
			set.Elements = append(set.Elements, e)
		}
	}
	slices.SortStableFunc(set.Elements, func(a, b Element) int { return bytes.Compare(a.Key, b.Key) })
	return set
}

// decodeElement decodes an element; ok is false for the default element, and for a range of several
// fields.
func decodeElement(b []byte) (e Element, ok bool) {
	ok = true
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.NFTA_SET_ELEM_KEY:
			for kind, value := range rtnl.Attributes(value) {
				if kind == unix.NFTA_DATA_VALUE {
					e.Key = bytes.Clone(value)
				}
			}
		case unix.NFTA_SET_ELEM_FLAGS:
			flags := number(value)
			e.End, ok = flags&unix.NFT_SET_ELEM_INTERVAL_END != 0, ok && flags&setCatchall == 0
		case unix.NFTA_SET_ELEM_DATA:
			for kind, value := range rtnl.Attributes(value) {
				if kind == unix.NFTA_DATA_VERDICT {
					e.Verdict = decodeVerdict(value)
				}
			}
		case elementKeyEnd:
			ok = false
		}
	}
	return e, ok && e.Key != nil
}
