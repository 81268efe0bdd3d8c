package receive

import (
	"time"

	"ripcord/pkg/event"
)

// socketKey identifies a receive socket: the link and family on which it hears adverts,
// and whether it is a raw socket or one of the packet sockets.
type socketKey struct {
	link   string
	family event.Family
	early  bool // a packet socket, for adverts that the kernel would drop for their source
	own    bool // a packet socket, for adverts that come from our own addresses
}

// socketKeysOf returns the sockets of a link. IPv6 has no early one: the owner's adverts
// come from a link-local address, and no kernel drops them for their source.
func socketKeysOf(link string) [5]socketKey {
	return [...]socketKey{
		{link: link, family: event.IPv4}, {link: link, family: event.IPv4, early: true}, {link: link, family: event.IPv6},
		{link: link, family: event.IPv4, own: true}, {link: link, family: event.IPv6, own: true},
	}
}

// want is a socket that should be open, and the open one, if it could be opened.
type want struct {
	socketKey
	port       *port
	link       event.Link // what was last said of it
	instances  []string
	filterSpec filterSpec // of these
	reach      reach      // of the link; only where it is early
	// deliveries is that of the link and family, which its wants share.
	deliveries *deliveries
	retry      time.Time // when to try again to open the port; zero: no need
	failures   int       // in a row
	err        string    // why adverts are not heard; empty while they are
	mended     int       // how often the socket was opened anew since it would have heard nothing
	mendedAt   time.Time // when that was last logged
}
