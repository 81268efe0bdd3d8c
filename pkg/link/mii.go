package link

import (
	"fmt"
	"strings"
)

// The registers of a transceiver (IEEE 802.3 §22.2.4), and the bits that say
// something here.
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

	// floating is what a bus without anybody on it reads as.
	floating = 0xffff
)

// Beat is what two readings of the status register say of a link: the bit
// latches a loss until it is read, so the first tells of what was and the
// second of what is.
type Beat struct {
	Up bool // now
	// Flapped says that the link was lost since the register was last read, and
	// is back.
	Flapped bool
}

// beat judges two readings in a row; known is false where nobody answered.
func beat(first, second uint16) (b Beat, known bool) {
	if first == floating || second == floating {
		return Beat{}, false
	}
	b.Up = second&bmsrLink != 0
	b.Flapped = b.Up && first&bmsrLink == 0
	return b, true
}

// Transceiver is what the registers of a NIC's transceiver hold.
type Transceiver struct {
	PHY        uint8  `json:"phy"` // its address on the management bus
	ID         uint32 `json:"id"`  // registers 2 and 3
	BMCR       uint16 `json:"bmcr"`
	BMSR       uint16 `json:"bmsr"` // the second reading
	Advertised uint16 `json:"advertised"`
	Partner    uint16 `json:"partner"` // what the other end advertises
	Beat       Beat   `json:"-"`
}

// String says it in words: "PHY 1, id 0x02a80150, 100 full duplex negotiated".
func (x Transceiver) String() string {
	return fmt.Sprintf("PHY %d, id 0x%08x, %s", x.PHY, x.ID, strings.Join(x.condition(), ", "))
}

// condition is what a person wants to know first.
func (x Transceiver) condition() []string {
	var words []string
	for _, c := range []struct {
		holds bool
		word  string
	}{
		{x.BMCR&bmcrPowerDown != 0, "powered down"},
		{x.BMCR&bmcrIsolate != 0, "isolated from the NIC"},
		{x.BMSR&bmsrRemoteFault != 0, "remote fault"},
		{x.Beat.Flapped, "lost since it was last read"},
		{x.BMCR&bmcrAutoneg != 0 && x.BMSR&bmsrAutoneg != 0 && x.BMSR&bmsrNegotiated == 0, "negotiation not complete"},
	} {
		if c.holds {
			words = append(words, c.word)
		}
	}
	if x.BMSR&bmsrNegotiated != 0 {
		words = append(words, x.mode()+" negotiated")
	}
	if x.Beat.Up {
		return append([]string{"link"}, words...)
	}
	return append([]string{"no link"}, words...)
}

// modes are those of registers 4 and 5, in the order of their priority
// (IEEE 802.3 annex 28B.3). Gigabit is negotiated elsewhere.
var modes = []struct {
	bit  uint16
	name string
}{
	{1 << 8, "100 full duplex"}, {1 << 9, "100BASE-T4"}, {1 << 7, "100 half duplex"},
	{1 << 6, "10 full duplex"}, {1 << 5, "10 half duplex"},
}

// mode is the best that both ends advertise.
func (x Transceiver) mode() string {
	for _, m := range modes {
		if x.Advertised&x.Partner&m.bit != 0 {
			return m.name
		}
	}
	return "more than 100 Mbit/s" // or nothing in common, and then there is no link
}
