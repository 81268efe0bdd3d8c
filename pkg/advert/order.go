package advert

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Kind is the kind of an Order.
type Kind uint8

// The kinds.
const (
	// Start sends the advert at once, or at the instant When, and repeats it each
	// Interval. For an instance that is advertised already it replaces the frames
	// and leaves the timing. A start that is for later is dropped if the engine
	// itself comes too late for it: the loop decides anew.
	Start Kind = iota
	// Now sends the advert at once and counts the interval anew from it.
	Now
	// Resign sends priority 0 and falls silent.
	Resign
	// Mute falls silent.
	Mute
	// Disarm takes back a Start that was for later: silently, if no advert has left.
	// Else it is a Resign.
	Disarm
	// Probe sends the advert once, for an instance that is not advertised, and reports
	// whether the kernel took it.
	Probe
)

// Order has the engine do something for one instance. Orders are carried out in
// the order in which they are given, those of one Do back to back.
type Order struct {
	Kind     Kind
	Cause    event.Cause
	Instance string
	Advert   Frames        // for Start, Probe
	Interval time.Duration // for Start, Probe
	Bears    time.Duration // for Start: the interval that the advert bears, if longer
	Miss     int           // for Start, Probe
	When     time.Time     // for Start; zero: at once
}

// Frames are the prebuilt VRRP messages of an instance, without IP header, and
// where they go.
type Frames struct {
	Index    int        // ifindex to send on
	Source   netip.Addr // source address; its family is the instance's
	HopLimit uint8      // TTL, hop limit
	// Header is the Ethernet and IP header of all, where they leave from a virtual
	// MAC; nil: the kernel's own.
	Header []byte
	Copies []Copy // one for the group, or one for each unicast peer
	// Key signs each advert as it leaves; nil: none is signed. The messages end in
	// room for the trailer then. Window is vrrp.HMAC.Window.
	Key    *wire.Key
	Window time.Duration
}

// Copy is the message for one destination, which its checksum covers.
type Copy struct {
	To     netip.Addr
	Advert []byte
	Resign []byte // the same with priority 0
}
