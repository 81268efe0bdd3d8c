package link

import (
	"time"

	"ripcord/pkg/event"
)

// Mode names a monitor: the source that is asked for a link's state.
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // the best source that the link offers
	Netlink Mode = "netlink" // the kernel's own notifications, and the confirmer
	Ethtool Mode = "ethtool" // these, and the driver is polled by ETHTOOL_GLINK
	ModeMII Mode = "mii"     // these, and the transceiver is polled

	// none is the monitor of a link whose loss no source can report.
	none Mode = event.Unmonitored
)

// Settings configure how one link is watched.
type Settings struct {
	Monitor Mode
	// Poll is the period at which Ethtool and ModeMII ask; 0 turns polling off.
	Poll time.Duration
	// Confirm is how often the kernel is asked for the carrier in addition to its own
	// notifications; 0 turns that off.
	Confirm time.Duration
	// Hint has the link asked when the kernel reports a change of its carrier flag; if such a
	// report comes with each loss, it is asked no more often than Poll otherwise.
	Hint bool
	// DownDelay and UpDelay are the debounce: a loss or a return takes effect only when it has
	// lasted this long. A link that appears for the first time or disappears takes effect at once;
	// one that reappears is a return. The state at the start takes effect at once.
	DownDelay, UpDelay time.Duration
}

// Defaults returns the settings of a link that the file does not configure.
func Defaults() Settings {
	return Settings{Monitor: Auto, Poll: time.Second, Confirm: 10 * time.Millisecond, Hint: true}
}
