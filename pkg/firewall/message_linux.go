package firewall

import (
	"encoding/binary"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// These are the names of our objects in nftables: one table of family inet, with a chain and two
// sets.
const (
	tableName = "ripcord"
	chainName = "input"
	set4Name  = "ipv4"
	set6Name  = "ipv6"
)

const (
	// nfgenHeader is the size of struct nfgenmsg: family, version, resource.
	nfgenHeader = 4
	// beforeOthers is the priority of our chain: just before the machine's own rules, whose
	// priority is 0.
	beforeOthers = -1
	// maxElements is the number of elements that fit into one attribute of at most 64 KiB.
	maxElements = 500
)

// nftMessage encodes a message about our table; add adds its attributes, whose numbers are in
// network byte order.
func nftMessage(kind uint8, flags netlink.HeaderFlags, add func(*netlink.AttributeEncoder)) (netlink.Message, error) {
	ae := netlink.NewAttributeEncoder()
	ae.ByteOrder = binary.BigEndian
	add(ae)
	attributes, err := ae.Encode()
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES)<<8 | netlink.HeaderType(kind), Flags: flags},
		Data:   append([]byte{unix.NFPROTO_INET, 0, 0, 0}, attributes...),
	}, err
}

// transaction collects the messages of a change of our table.
type transaction struct {
	messages []netlink.Message
	err      error
}

func (t *transaction) add(kind uint8, flags netlink.HeaderFlags, add func(*netlink.AttributeEncoder)) {
	m, err := nftMessage(kind, flags, add)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.messages = append(t.messages, m)
}

// These are the numbers of the attributes NFTA_*_TABLE and NFTA_*_NAME, _CHAIN or _SET in all
// messages but those about a chain.
const (
	nftaTable = 1
	nftaName  = 2
)

func (t *transaction) newTable() {
	t.add(unix.NFT_MSG_NEWTABLE, netlink.Create, func(ae *netlink.AttributeEncoder) { ae.String(nftaTable, tableName) })
}

func (t *transaction) delTable() {
	t.add(unix.NFT_MSG_DELTABLE, 0, func(ae *netlink.AttributeEncoder) { ae.String(nftaTable, tableName) })
}

func (t *transaction) newChain() {
	t.add(unix.NFT_MSG_NEWCHAIN, netlink.Create, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.NFTA_CHAIN_TABLE, tableName)
		ae.String(unix.NFTA_CHAIN_NAME, chainName)
		ae.Nested(unix.NFTA_CHAIN_HOOK, func(hook *netlink.AttributeEncoder) error {
			priority := int32(beforeOthers)
			hook.Uint32(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_IN)
			hook.Uint32(unix.NFTA_HOOK_PRIORITY, uint32(priority))
			return nil
		})
		ae.String(unix.NFTA_CHAIN_TYPE, "filter")
	})
}

// newSet adds a set of addresses, to which rules of the same transaction refer by its id.
func (t *transaction) newSet(name string, id, keyType, keyLength uint32, elements [][]byte) {
	t.add(unix.NFT_MSG_NEWSET, netlink.Create, func(ae *netlink.AttributeEncoder) {
		ae.String(nftaTable, tableName)
		ae.String(nftaName, name)
		ae.Uint32(unix.NFTA_SET_FLAGS, 0)
		ae.Uint32(unix.NFTA_SET_KEY_TYPE, keyType)
		ae.Uint32(unix.NFTA_SET_KEY_LEN, keyLength)
		ae.Uint32(unix.NFTA_SET_ID, id)
	})
	for len(elements) > 0 {
		part := elements[:min(maxElements, len(elements))]
		elements = elements[len(part):]
		t.add(unix.NFT_MSG_NEWSETELEM, netlink.Create, func(ae *netlink.AttributeEncoder) {
			ae.String(nftaTable, tableName)
			ae.String(nftaName, name)
			ae.Nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(list *netlink.AttributeEncoder) error {
				for _, key := range part {
					list.Nested(unix.NFTA_LIST_ELEM, func(element *netlink.AttributeEncoder) error {
						element.Nested(unix.NFTA_SET_ELEM_KEY, func(data *netlink.AttributeEncoder) error {
							data.Bytes(unix.NFTA_DATA_VALUE, key)
							return nil
						})
						return nil
					})
				}
				return nil
			})
		})
	}
}

// newRule appends a rule to our chain.
func (t *transaction) newRule(expressions []expr.Any) {
	t.add(unix.NFT_MSG_NEWRULE, netlink.Create|netlink.Append, func(ae *netlink.AttributeEncoder) {
		ae.String(nftaTable, tableName)
		ae.String(nftaName, chainName)
		ae.Nested(unix.NFTA_RULE_EXPRESSIONS, func(list *netlink.AttributeEncoder) error {
			for _, e := range expressions {
				b, err := expr.Marshal(unix.NFPROTO_INET, e)
				if err != nil {
					return err
				}
				list.Bytes(unix.NLA_F_NESTED|unix.NFTA_LIST_ELEM, b)
			}
			return nil
		})
	})
}

// nftGet returns the request for our table, or for a part of it by its name; parts without a name
// are dumped.
func nftGet(kind uint8, table, name uint16, text string) (netlink.Message, error) {
	return nftMessage(kind, 0, func(ae *netlink.AttributeEncoder) {
		ae.String(table, tableName)
		if text != "" {
			ae.String(name, text)
		}
	})
}

// nftAttributes returns the attributes of a message. The header contains the number of the last
// transaction, by any program.
func nftAttributes(m netlink.Message) string {
	return string(m.Data[min(nfgenHeader, len(m.Data)):])
}

// nftElements returns the elements of a set in a message, each in the kernel's encoding.
func nftElements(m netlink.Message) (all []string) {
	for kind, value := range rtnl.Attributes([]byte(nftAttributes(m))) {
		if kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		for _, element := range rtnl.Attributes(value) {
			all = append(all, string(element))
		}
	}
	return all
}
