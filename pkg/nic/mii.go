package nic

import (
	"fmt"
	"strings"
)

// These are registers of a transceiver (IEEE 802.3 §22.2.4), and the bits that are used here.
const (
	regBMCR      = 0 // control
	regBMSR      = 1 // status
	regID1       = 2
	regID2       = 3
	regAdvertise = 4
	regPartner   = 5

	bmcrIsolate   = 1 << 10
	bmcrPowerDown = 1 << 11
	bmcrAutoneg   = 1 << 12

	bmsrLink        = 1 << 2 // latches low
	bmsrAutoneg     = 1 << 3
	bmsrRemoteFault = 1 << 4
	bmsrNegotiated  = 1 << 5

	// floating is the value read from a bus on which no transceiver answers.
	floating = 0xffff
)

// MIIStatus is the state of a link by two readings of the status register: its link bit latches a
// loss until it is read, so the first reading shows the past and the second the present.
type MIIStatus struct {
	Up bool // now
	// Flapped reports that the link was lost and came back since the register was last read.
	Flapped bool
}

// statusOf returns the state by two consecutive readings; known is false if no transceiver
// answered.
func statusOf(first, second uint16) (s MIIStatus, known bool) {
	if first == floating || second == floating {
		return MIIStatus{}, false
	}
	s.Up = second&bmsrLink != 0
	s.Flapped = s.Up && first&bmsrLink == 0
	return s, true
}

// Transceiver holds the registers of a NIC's transceiver.
type Transceiver struct {
	PHY        uint8     `json:"phy"` // its address on the management bus
	ID         uint32    `json:"id"`  // registers 2 and 3
	BMCR       uint16    `json:"bmcr"`
	BMSR       uint16    `json:"bmsr"` // the second reading
	Advertised uint16    `json:"advertised"`
	Partner    uint16    `json:"partner"` // what the other end advertises
	Status     MIIStatus `json:"-"`
}

// String describes it: "PHY 1, id 0x02a80150, 100 full duplex negotiated".
func (x Transceiver) String() string {
	return fmt.Sprintf("PHY %d, id 0x%08x, %s", x.PHY, x.ID, strings.Join(x.condition(), ", "))
}

// condition lists the link's state and everything unusual.
func (x Transceiver) condition() []string {
	var parts []string
	for _, c := range []struct {
		holds bool
		name  string
	}{
		{x.BMCR&bmcrPowerDown != 0, "powered down"},
		{x.BMCR&bmcrIsolate != 0, "isolated from the NIC"},
		{x.BMSR&bmsrRemoteFault != 0, "remote fault"},
		{x.Status.Flapped, "lost since it was last read"},
		{x.BMCR&bmcrAutoneg != 0 && x.BMSR&bmsrAutoneg != 0 && x.BMSR&bmsrNegotiated == 0, "negotiation not complete"},
	} {
		if c.holds {
			parts = append(parts, c.name)
		}
	}
	if x.BMSR&bmsrNegotiated != 0 {
		parts = append(parts, x.mode()+" negotiated")
	}
	if x.Status.Up {
		return append([]string{"link"}, parts...)
	}
	return append([]string{"no link"}, parts...)
}

// modes lists the modes of registers 4 and 5, in the order of their priority
// (IEEE 802.3 annex 28B.3). Gigabit is negotiated elsewhere.
var modes = []struct {
	bit  uint16
	name string
}{
	{1 << 8, "100 full duplex"}, {1 << 9, "100BASE-T4"}, {1 << 7, "100 half duplex"},
	{1 << 6, "10 full duplex"}, {1 << 5, "10 half duplex"},
}

// mode returns the best mode that both ends advertise.
func (x Transceiver) mode() string {
	for _, m := range modes {
		if x.Advertised&x.Partner&m.bit != 0 {
			return m.name
		}
	}
	return "more than 100 Mbit/s" // or they have none in common, and then there is no link
}
