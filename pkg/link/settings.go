package link

import (
	"time"

	"ripcord/pkg/event"
)

// Mode names a monitor: the source that is asked for a link's state.
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // the best that the link offers
	Netlink Mode = "netlink" // the kernel's own notifications, and the confirmer
	Ethtool Mode = "ethtool" // these, and the driver polled by ETHTOOL_GLINK
	ModeMII Mode = "mii"     // these, and the transceiver polled

	// none is chosen where no source can report a loss.
	none Mode = event.Unmonitored
)

// Settings say how one link is watched.
type Settings struct {
	Monitor Mode
	// Poll is the period at which Ethtool and ModeMII ask; 0 turns that off.
	Poll time.Duration
	// Confirm is how often the kernel is asked for the carrier beside its own
	// notifications; 0 turns it off.
	Confirm time.Duration
	// Hint has the link asked when the kernel reports a change of its carrier flag, and no more
	// often than Poll if such a report comes with each loss.
	Hint bool
	// DownDelay and UpDelay are the debounce: a loss or a return takes effect only when it
	// has lasted this long. A link that appears or disappears does so at once; one that
	// comes back is a return. The state at the start takes effect at once.
	DownDelay, UpDelay time.Duration
}

// Defaults returns the settings of a link of which the file says nothing.
func Defaults() Settings {
	return Settings{Monitor: Auto, Poll: time.Second, Confirm: 10 * time.Millisecond, Hint: true}
}
