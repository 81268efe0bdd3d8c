package neigh

import (
	"net/netip"
	"time"
)

// Sighting is the observation of a station on a link.
type Sighting struct {
	Index   int // ifindex
	Address netip.Addr
	Answer  bool      // the message is an answer, perhaps to a question of ours
	At      time.Time // when the kernel received the message
	MAC     [6]byte   // of the address, from the message; zero if it has none
	// FromTable reports that the station is in the kernel's neighbor table: no message was received
	// from it now, and it may be long gone.
	FromTable bool
}
