package lan

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// vrrp is VRRP's IP protocol number (RFC 9568 §5.1.1.4).
const vrrp = 112

// Advert is a VRRP advertisement received on a segment. It is parsed without pkg/wire, and only its
// lengths are checked, so that a test does not rely on the code under test.
type Advert struct {
	At      time.Time // when the kernel received it, with a monotonic reading
	Segment string
	// Host is the host with the source MAC or else the source address; "" if there is none.
	Host        string
	MAC         MAC // the Ethernet source
	Source      netip.Addr
	Destination netip.Addr
	HopLimit    uint8 // or TTL
	Family      event.Family
	Version     uint8
	VRID        uint8
	Priority    uint8
	// Message is the whole VRRP message without its IP header.
	Message []byte
}

// parseAdvert parses an Ethernet frame. It returns false if the frame is not an advert.
func parseAdvert(frame []byte) (a Advert, ok bool) {
	if len(frame) < 14 {
		return a, false
	}
	a.MAC = MAC(frame[6:12])
	packet := frame[14:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		ok = a.parseIPv4(packet)
	case 0x86dd:
		ok = a.parseIPv6(packet)
	}
	if !ok || len(a.Message) < 8 || a.Message[0]&0x0f != 1 {
		return Advert{}, false
	}
	a.Version, a.VRID, a.Priority = a.Message[0]>>4, a.Message[1], a.Message[2]
	return a, true
}

func (a *Advert) parseIPv4(b []byte) bool {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != vrrp {
		return false
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || total > len(b) {
		return false
	}
	a.Family, a.HopLimit = event.IPv4, b[8]
	a.Source, a.Destination = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	a.Message = append([]byte(nil), b[header:total]...) // the frame is padded to 60 bytes
	return true
}

func (a *Advert) parseIPv6(b []byte) bool {
	if len(b) < 40 || b[0]>>4 != 6 || b[6] != vrrp {
		return false
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return false
	}
	a.Family, a.HopLimit = event.IPv6, b[7]
	a.Source, a.Destination = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	a.Message = append([]byte(nil), b[40:total]...)
	return true
}
