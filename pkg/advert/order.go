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
	// Start sends the advert at once, or at the instant When, and repeats it every Interval. For
	// an instance that is already advertised it replaces the frames and keeps the timing. A start
	// for a later instant is dropped if the engine itself is too late for it: then the loop
	// decides again.
	Start Kind = iota
	// Now sends the advert at once and restarts the interval.
	Now
	// HoldBack sends no advert before the instant When.
	HoldBack
	// Resign sends priority 0 and ends the adverts.
	Resign
	// Mute ends the adverts.
	Mute
	// Disarm cancels a Start for a later instant, silently if no advert has left. Otherwise it is
	// a Resign.
	Disarm
	// Probe sends the advert once, for an instance that is not advertised, and reports whether
	// the kernel accepted it.
	Probe
)

// Order is an order to the engine for one instance. Orders are carried out in the order in which
// they are sent, those of one Do without a pause between them.
type Order struct {
	Kind       Kind
	Cause      event.Cause
	Instance   string
	Advert     Frames        // for Start, Probe
	Interval   time.Duration // for Start, Probe
	Advertised time.Duration // for Start: the interval in the advert, if longer
	Miss       int           // for Start, Probe
	When       time.Time     // for Start, HoldBack; zero for at once
}

// Frames are the prebuilt VRRP messages of an instance, without IP header, and their
// destinations.
type Frames struct {
	Index    int        // ifindex of the link
	Source   netip.Addr // source address; its family is the instance's
	HopLimit uint8      // TTL, hop limit
	// Header is the common Ethernet and IP header, if they leave from a virtual MAC; nil for the
	// kernel's own.
	Header []byte
	Copies []Copy // one for the multicast group, or one for each unicast peer
	// Key signs each advert as it leaves; nil if they are not signed. Signed messages end in room
	// for the trailer. Window is vrrp.HMAC.Window.
	Key    *wire.Key
	Window time.Duration
}

// Copy is the message for one destination, which its checksum covers.
type Copy struct {
	To     netip.Addr
	Advert []byte
	Resign []byte // the same with priority 0
}
