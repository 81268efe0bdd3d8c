package wire

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

// TestHoloPackets has the packet tests of Holo's conformance suite: packets that are decoded, and
// packets that are not. Cases in which Holo contradicts RFC 9568 say so. test/conformance lists
// where all of its cases are.
func TestHoloPackets(t *testing.T) {
	v2 := Advert{Version: V2, VRID: 51, Priority: 30, Interval: time.Second, Addresses: addrs("10.0.1.5")}
	v3 := Advert{VRID: 51, Priority: 30, Interval: 5 * time.Second, Addresses: addrs("fe80::370:7334", "2001:db8::370:7335")}
	four, six := v2.Append(nil, path4.Source, path4.Dest), v3.Append(nil, path6.Source, path6.Dest)
	for _, tt := range []struct {
		name string
		b    []byte
		path Path
		want Advert
		err  error
	}{
		{"decode v2", four, path4, v2, nil},
		{"decode v3 IPv6, CORRECTED: the first address is link-local (erratum 8300)", six, path6, v3, nil},
		{"incomplete header", four[:4], path4, Advert{}, Truncated},
		{"too long: 1000 bytes", append(four[:len(four):len(four)], make([]byte, 1000-len(four))...), path4, Advert{}, PacketLengthError},
		{"version 4", append([]byte{0x41}, four[1:]...), path4, Advert{}, VersionError},
		{"wrong checksum of v2", append([]byte{0x21, 52}, four[2:]...), path4, Advert{}, ChecksumError},
		{"CORRECTED: a type that is unknown MUST be discarded (RFC 9568 §5.2.2)", append([]byte{0x2f}, four[1:]...), path4, Advert{}, TypeError},
		{"CORRECTED: the TTL MUST be 255 (RFC 9568 §5.1.1.3)", four, Path{Source: path4.Source, Dest: path4.Dest, HopLimit: 1}, Advert{}, IPTTLError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got Advert
			if err := got.Decode(tt.b, tt.path); err != tt.err {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got, cmpAddr); diff != "" || got.Check() != nil || got.FirstNotLinkLocal() {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestVPPOversizedAddrlist checks an advert with the maximum number of addresses.
func TestVPPOversizedAddrlist(t *testing.T) {
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		p := pathOf(f)
		want := Advert{VRID: 255, Priority: 100, Interval: time.Second, Addresses: many(f, 255)}
		var got Advert
		if err := got.Decode(want.Append(nil, p.Source, p.Dest), p); err != nil || got.Check() != nil || len(got.Addresses) != 255 {
			t.Errorf("%v: %v, %d addresses", f, err, len(got.Addresses))
		}
	}
}

// TestFamilyIsThatOfTheIPHeader checks that the addresses have the family of the packet that
// contains them (RFC 9568 §5.2.9).
func TestFamilyIsThatOfTheIPHeader(t *testing.T) {
	// Four IPv4 addresses have the length of one IPv6 address: the count decides.
	a := Advert{VRID: 1, Priority: 100, Interval: time.Second, Addresses: many(event.IPv4, 4)}
	b := a.Append(nil, path4.Source, path4.Dest)
	var got Advert
	if err := got.Decode(reseal(b, path6, PseudoHeader), path6); err != PacketLengthError {
		t.Errorf("IPv4 addresses over IPv6: %v", err)
	}
	b[3] = 1
	if err := got.Decode(reseal(b, path6, PseudoHeader), path6); err != nil || !got.FirstNotLinkLocal() {
		t.Errorf("read as one IPv6 address: %v, %v", err, got.Addresses)
	}
}
