package neigh

import (
	"net/netip"
	"time"
)

// Sighting is a station that a listener noticed on a link.
type Sighting struct {
	Index   int // ifindex
	Address netip.Addr
	Answer  bool      // it answered a question: perhaps one of ours
	At      time.Time // when the kernel received the message
	MAC     [6]byte   // of the address, as the message says; zero if it does not say
	// FromTable reports that the kernel's neighbor table has the station: nothing was
	// received from it now, and it may be long gone.
	FromTable bool
}
