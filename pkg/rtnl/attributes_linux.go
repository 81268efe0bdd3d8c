package rtnl

import (
	"bytes"
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Attributes yields the type, without its flags, and the value of each attribute. It ends at an
// attribute that is longer than the rest of the message, so that the attributes before it are still
// read.
func Attributes(b []byte) iter.Seq2[uint16, []byte] {
	const typeMask = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofNlAttr {
			length := int(binary.NativeEndian.Uint16(b))
			if length < unix.SizeofNlAttr || length > len(b) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(b[2:])&typeMask, b[unix.SizeofNlAttr:length]) {
				return
			}
			b = b[min(align(length), len(b)):]
		}
	}
}

// AppendAttribute appends an attribute, padded to four bytes.
func AppendAttribute(b []byte, kind uint16, value []byte) []byte {
	length := unix.SizeofNlAttr + len(value)
	b = binary.NativeEndian.AppendUint16(b, uint16(length))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return pad(append(b, value...), length)
}

// pad appends the zeros after a message or attribute of that length.
func pad(b []byte, length int) []byte { return append(b, make([]byte, align(length)-length)...) }

// Uint8 returns an attribute's value; 0 if it is shorter.
func Uint8(b []byte) uint8 {
	if len(b) < 1 {
		return 0
	}
	return b[0]
}

// Uint16 returns the first two bytes of an attribute; 0 if it is shorter.
func Uint16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(b)
}

// Uint32 returns the first four bytes of an attribute; 0 if it is shorter.
func Uint32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// String returns an attribute's text up to its terminating zero.
func String(b []byte) string {
	text, _, _ := bytes.Cut(b, []byte{0})
	return string(text)
}

// addr returns an attribute's IP address; invalid unless it has the length of one of the family.
func addr(family uint8, b []byte) netip.Addr {
	switch {
	case family == unix.AF_INET && len(b) >= 4:
		return netip.AddrFrom4([4]byte(b))
	case family == unix.AF_INET6 && len(b) >= 16:
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.Addr{}
}
