package link

import (
	"time"

	"ripcord/pkg/vrrp"
)

// Mode says what tells a link's state.
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // whatever serves best on the link
	Netlink Mode = "netlink" // the kernel's own notifications, and the confirmer
)

// Settings say how one link is watched.
type Settings struct {
	Monitor Mode
	// Confirm is how often the kernel is asked for the carrier beside its own
	// notifications; 0 turns it off.
	Confirm time.Duration
	// Recovery is what the link has to prove after a return. It is for the state
	// machine of each instance on it; nothing here follows from it.
	Recovery vrrp.Recovery
}
