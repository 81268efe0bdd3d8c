package rtnl

import (
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Neighbor is an RTM_NEWNEIGH or RTM_DELNEIGH: an entry of the ARP or neighbor discovery table.
type Neighbor struct {
	Index   int // ifindex
	Address netip.Addr
	State   uint16 // NUD_*
}

// neighborHeader is the size of struct ndmsg (linux/neighbour.h).
const neighborHeader = 12

// DecodeNeighbor decodes a neighbor message; false if it contains no IP address.
func DecodeNeighbor(m netlink.Message) (n Neighbor, ok bool) {
	b := m.Data
	if len(b) < neighborHeader {
		return n, false
	}
	n = Neighbor{Index: int(int32(Uint32(b[4:]))), State: Uint16(b[8:])}
	for kind, value := range Attributes(b[neighborHeader:]) {
		if kind == unix.NDA_DST {
			n.Address = addr(b[0], value)
		}
	}
	return n, n.Address.IsValid() && n.Index > 0
}

// ListNeighbors returns the request for the neighbors of a family, for Dump.
func ListNeighbors(family uint8) netlink.Message {
	m := list(unix.RTM_GETNEIGH, neighborHeader)
	m.Data[0] = family
	return m
}
