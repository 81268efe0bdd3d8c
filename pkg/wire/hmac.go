package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/netip"

	"ripcord/pkg/event"
)

// The trailer that authenticates an advert (draft-cassen-vrrp-auth-hmac, as
// keepalived 2.4.2 implements it). It follows the message of either version:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Ext Type    |    Key ID     |           Reserved            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                            Seconds                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Sub-second           |            Counter            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|               HMAC-SHA-256, its first 16 bytes                |
//	|                              ...                              |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// It covers, in this order: a pseudo-header of the family (4, 6), the version, the VRID,
// zero, and the source in 16 bytes; the message, its checksum zero; the trailer, its HMAC
// zero. The rest of the IP header is not covered, so that the copies for all unicast peers
// have the same trailer. The checksum of an IPv4 advert ends before the trailer, that of an IPv6
// advert covers it.
const (
	TrailerLen = 28

	extHMAC    = 1 // HMAC-SHA256-128
	macLen     = 16
	macAt      = TrailerLen - macLen
	pseudoLen  = 4 + 16
	sequenceAt = 4
)

// These are the limits of the length of a key in bytes.
const (
	MinKey = 32
	MaxKey = 64
)

// Secret is the key of an HMAC. It cannot be printed.
type Secret struct{ key func() []byte } // of a function, fmt only prints the address

// NewSecret returns a secret with a key, which it keeps.
func NewSecret(key []byte) Secret { return Secret{func() []byte { return key }} }

// Equal reports whether two secrets have the same key. No secret is equal to the zero value.
func (s Secret) Equal(o Secret) bool {
	return s.key != nil && o.key != nil && hmac.Equal(s.key(), o.key())
}

// Format prints a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(secret)") }

// Key signs and verifies. It belongs to one goroutine.
type Key struct {
	id      uint8
	mac     hash.Hash
	scratch [pseudoLen]byte
	sum     [sha256.Size]byte
}

// NewKey returns the key with an id, 1 to 255.
func NewKey(id uint8, s Secret) *Key { return &Key{id: id, mac: hmac.New(sha256.New, s.key())} }

// Sign writes the trailer of a message from source. The message ends in room for it.
func (k *Key) Sign(message []byte, source netip.Addr, s Sequence) {
	t := message[len(message)-TrailerLen:]
	t[0], t[1], t[2], t[3] = extHMAC, k.id, 0, 0
	binary.BigEndian.PutUint64(t[sequenceAt:], uint64(s))
	copy(t[macAt:], k.compute(message, source))
}

// Verifies reports whether the HMAC of a message from source, with its trailer, was made with the
// key. It is compared in constant time.
func (k *Key) Verifies(message []byte, source netip.Addr) bool {
	return hmac.Equal(message[len(message)-macLen:], k.compute(message, source))
}

var zeros [macLen]byte

// compute returns the HMAC of a message with its trailer. The result is valid until the next
// call.
func (k *Key) compute(message []byte, source netip.Addr) []byte {
	k.mac.Reset()
	k.scratch = [pseudoLen]byte{6, message[0] >> 4, message[1]}
	if event.FamilyOf(source) == event.IPv4 {
		a := source.As4()
		k.scratch[0] = 4
		copy(k.scratch[4:], a[:])
	} else {
		a := source.As16()
		copy(k.scratch[4:], a[:])
	}
	k.mac.Write(k.scratch[:])
	k.mac.Write(message[:checksumAt])
	k.mac.Write(zeros[:2])
	k.mac.Write(message[checksumAt+2 : len(message)-macLen])
	k.mac.Write(zeros[:])
	return k.mac.Sum(k.sum[:0])[:macLen]
}

// Cover writes the checksum of a message over IPv6, which covers the trailer, too.
func Cover(message []byte, source, dest netip.Addr) {
	if event.FamilyOf(source) != event.IPv6 {
		return
	}
	message[checksumAt], message[checksumAt+1] = 0, 0
	total := sum(message) + pseudoHeader(source, dest, len(message), Protocol)
	binary.BigEndian.PutUint16(message[checksumAt:], ^fold(total))
}

// Trailer has the fields of a trailer before its HMAC.
type Trailer struct {
	KeyID    uint8
	Sequence Sequence
}

// ReadTrailer parses the trailer at the end of a message that has one (Advert.Signed). The error
// is AuthMalformed.
func ReadTrailer(message []byte) (Trailer, error) {
	t := message[len(message)-TrailerLen:]
	if t[0] != extHMAC || t[2] != 0 || t[3] != 0 {
		return Trailer{}, AuthMalformed
	}
	return Trailer{t[1], Sequence(binary.BigEndian.Uint64(t[sequenceAt:]))}, nil
}
