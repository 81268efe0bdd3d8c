package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// datagram builds one with a header of ihl words, padding bytes behind it.
func datagram(ihl int, ttl uint8, source, dest netip.Addr, payload []byte, padding int) []byte {
	b := make([]byte, ihl*4, 128)
	b[0], b[8], b[9] = 0x40|uint8(ihl), ttl, Protocol
	s, d := source.As4(), dest.As4()
	copy(b[12:], s[:])
	copy(b[16:], d[:])
	for i := 20; i < len(b); i++ {
		b[i] = 1 // NOP
	}
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return append(b, make([]byte, padding)...)
}

// TestSplitIPv4 has headers with and without options [N3], and Ethernet's padding to 46 bytes.
func TestSplitIPv4(t *testing.T) {
	advert := unhex(t, golden[3].hex)
	for _, tt := range []struct{ ihl, padding int }{{5, 0}, {6, 0}, {15, 0}, {5, 14}, {6, 10}} {
		h, payload, err := SplitIPv4(datagram(tt.ihl, 255, path4.Source, path4.Dest, advert, tt.padding))
		if err != nil || !bytes.Equal(payload, advert) {
			t.Fatalf("%+v: %v, %x", tt, err, payload)
		}
		if want := (IPv4Header{path4.Source, path4.Dest, 255}); h != want || h.Path() != path4 {
			t.Errorf("%+v: %+v", tt, h)
		}
		var a Advert
		if err := a.Decode(payload, h.Path()); err != nil || a.VRID != 10 {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestSplitIPv4Rejects(t *testing.T) {
	good := func() []byte { return datagram(5, 255, path4.Source, path4.Dest, unhex(t, golden[3].hex), 0) }
	set := func(i int, v byte) []byte { b := good(); b[i] = v; return b }
	for _, tt := range []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"good", good(), true},
		{"no payload", datagram(5, 255, path4.Source, path4.Dest, nil, 0), true},
		{"empty", nil, false},
		{"19 bytes", good()[:19], false},
		{"version 6", set(0, 0x65), false},
		{"IHL 4", set(0, 0x44), false},
		{"IHL 0", set(0, 0x40), false},
		{"header longer than the datagram", set(0, 0x4f), false},
		{"total length shorter than the header", set(3, 19), false},
		{"total length longer than the datagram", set(3, 33), false},
		{"cut off", good()[:31], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, payload, err := SplitIPv4(tt.b)
			if tt.ok && err != nil || !tt.ok && err != IPHeaderError {
				t.Errorf("%v", err)
			}
			if err != nil && payload != nil {
				t.Errorf("a payload in spite of it: %x", payload)
			}
		})
	}
}

func TestSplitIPv4Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "payload")
		ihl, padding := rapid.IntRange(5, 15).Draw(t, "ihl"), rapid.IntRange(0, 20).Draw(t, "padding")
		b := datagram(ihl, 255, path4.Source, path4.Dest, payload, padding)
		if _, got, err := SplitIPv4(b); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%v, %x", err, got)
		}
		for range 4 {
			b[rapid.IntRange(0, 3).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		if _, got, err := SplitIPv4(b); err == nil && len(got) > len(b)-20 {
			t.Fatalf("%d bytes of payload out of %d", len(got), len(b))
		}
	})
}
