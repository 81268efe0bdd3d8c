package nic

import (
	"strings"
	"testing"
)

// TestStatusOf uses the values of emulated NICs whose cable was pulled.
func TestStatusOf(t *testing.T) {
	for name, c := range map[string]struct {
		first, second uint16
		want          MIIStatus
		known         bool
	}{
		"link":                            {0x796d, 0x796d, MIIStatus{Up: true}, true},
		"no link (e1000e)":                {0x7909, 0x7909, MIIStatus{}, true},
		"lost and back: the latch":        {0x7969, 0x796d, MIIStatus{Up: true, Flapped: true}, true},
		"lost between the readings":       {0x796d, 0x7969, MIIStatus{}, true},
		"a bond with a link":              {0x0004, 0x0004, MIIStatus{Up: true}, true},
		"a bond without":                  {0, 0, MIIStatus{}, true},
		"nobody drives the bus":           {0xffff, 0xffff, MIIStatus{}, false},
		"nobody drives the bus any more":  {0x796d, 0xffff, MIIStatus{}, false},
		"somebody begins to drive it now": {0xffff, 0x796d, MIIStatus{}, false},
	} {
		if got, known := statusOf(c.first, c.second); got != c.want || known != c.known {
			t.Errorf("%s: %+v known %v, want %+v known %v", name, got, known, c.want, c.known)
		}
	}
}

func TestTransceiverString(t *testing.T) {
	for want, x := range map[string]Transceiver{
		"PHY 1, id 0x02a80150, link, 100 full duplex negotiated": {
			PHY: 1, ID: 0x02a80150, BMCR: 0x1140, BMSR: 0x796d, Advertised: 0x0de1, Partner: 0x01e1, Status: MIIStatus{Up: true}},
		"PHY 1, id 0x02a80150, no link, negotiation not complete": {
			PHY: 1, ID: 0x02a80150, BMCR: 0x1140, BMSR: 0x7909, Advertised: 0x0de1},
		"PHY 32, id 0x00000000, no link, powered down, isolated from the NIC": {PHY: 32, BMCR: 0x0c00, BMSR: 0x7809},
		"PHY 0, id 0x00000000, link, remote fault, lost since it was last read, 10 half duplex negotiated": {
			BMCR: 0x1000, BMSR: 0x783d, Advertised: 0x01e1, Partner: 0x0021, Status: MIIStatus{Up: true, Flapped: true}},
		"PHY 0, id 0x00000000, link, more than 100 Mbit/s negotiated": {BMSR: 0x796d, Status: MIIStatus{Up: true}},
	} {
		if got := x.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// FuzzTransceiver requires that the description agrees with the link bit, whatever the registers
// are.
func FuzzTransceiver(f *testing.F) {
	f.Add(uint16(0x796d), uint16(0x796d), uint16(0x1140), uint16(0x0de1), uint16(0x01e1))
	f.Add(uint16(0x7969), uint16(0x796d), uint16(0), uint16(0), uint16(0))
	f.Add(uint16(0xffff), uint16(0xffff), uint16(0xffff), uint16(0xffff), uint16(0xffff))
	f.Fuzz(func(t *testing.T, first, second, bmcr, advertised, partner uint16) {
		b, known := statusOf(first, second)
		if !known {
			if b != (MIIStatus{}) || first != floating && second != floating {
				t.Fatalf("%#x %#x: %+v for a transceiver that does not answer", first, second, b)
			}
			return
		}
		if b.Up != (second>>2&1 == 1) || b.Flapped != (second>>2&1 == 1 && first>>2&1 == 0) {
			t.Fatalf("%#x %#x: %+v", first, second, b)
		}
		x := Transceiver{BMCR: bmcr, BMSR: second, Advertised: advertised, Partner: partner, Status: b}
		text := x.String()
		if strings.Contains(text, "no link") == b.Up || strings.HasSuffix(text, ", ") {
			t.Fatalf("%+v: %q", x, text)
		}
	})
}
