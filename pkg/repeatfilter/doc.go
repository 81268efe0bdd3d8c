// Package repeatfilter makes the kernel drop adverts that repeat the last one of their Active,
// with eBPF socket filters. A Table is memory that the filters and the process share: it has a
// Slot for each virtual router, into which the process writes the advert that it expects, and the
// filter records how many such packets arrived and when the last one did. A packet of the virtual
// router that differs passes, and so does everything after it until the process expects an advert
// again. The filter handles all other packets like the classic one that it replaces. Open needs
// CAP_BPF; its result needs no rights and no system call except to attach a filter.
package repeatfilter

import (
	"net/netip"

	"ripcord/pkg/event"
)

// MaxPacket is the length of the longest packet that can be expected, including its IP header: an
// advert with 47 addresses over IPv4, or 10 over IPv6.
const MaxPacket = 216

// key identifies a virtual router in a filter: the link that its socket is bound to, the family
// and the VRID.
type key uint64

// keyOf returns a key of 48 bits that is not zero.
func keyOf(index int, f event.Family, vrid uint8) key {
	k := key(uint32(index))<<16 | used | key(vrid)
	if f == event.IPv6 {
		k |= six
	}
	return k
}

const (
	used key = 1 << 15
	six  key = 1 << 8
)

// An entry of the directory has a key and the number of its slot. The entry of a key is at one of
// probes positions, starting at home.
const (
	probes    = 8
	slotBits  = 16
	hashPrime = 0x9e3779b97f4a7c15
)

// home returns the first position of a key in a directory of 1<<bits entries.
func (k key) home(bits int) int {
	var prime uint64 = hashPrime
	return int(uint64(k) * prime >> (64 - bits))
}

// Image appends the packet of an advert to b in the form that filters compare: with its IP
// header, but without the fields that the sender may change in each packet (over IPv4 the
// identification and the header's checksum, over IPv6 traffic class and flow label). Data and
// source have the form of a raw socket: over IPv4 data begins with the header. It returns nil if
// the packet cannot be expected.
func Image(b []byte, f event.Family, data []byte, source, dest netip.Addr, hopLimit int) []byte {
	if f == event.IPv4 {
		if len(data) < header4 || len(data) > MaxPacket || data[0] != 0x45 {
			return nil
		}
		b = append(b, data...)
		clear(b[len(b)-len(data)+4:][:2])
		clear(b[len(b)-len(data)+10:][:2])
		return b
	}
	if header6+len(data) > MaxPacket {
		return nil
	}
	from, to := source.As16(), dest.As16()
	b = append(b, 0, 0, 0, 0, byte(len(data)>>8), byte(len(data)), protocol, byte(hopLimit))
	b = append(append(b, from[:]...), to[:]...)
	return append(b, data...)
}

const (
	header4  = 20
	header6  = 40
	protocol = 112
)

// VRID returns the VRID of a packet as filters read it, whether the packet is valid or not.
func VRID(f event.Family, data []byte) (vrid uint8, ok bool) {
	at := 1
	if f == event.IPv4 {
		if len(data) == 0 {
			return 0, false
		}
		at += int(data[0]&15) * 4
	}
	if at >= len(data) {
		return 0, false
	}
	return data[at], true
}
