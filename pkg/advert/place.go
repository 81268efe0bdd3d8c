package advert

import (
	"time"

	"ripcord/pkg/event"
)

// place is where adverts are to be heard, and how.
type place struct {
	link   string
	family event.Family
	early  bool // by a packet socket
	own    bool // by another, for what comes from addresses of ours
}

// placesOf are the places on a link. IPv6 has no early one: the owner's adverts
// come from a link-local address, and no kernel drops them for their source.
func placesOf(link string) [5]place {
	return [...]place{
		{link: link, family: event.IPv4}, {link: link, family: event.IPv4, early: true}, {link: link, family: event.IPv6},
		{link: link, family: event.IPv4, own: true}, {link: link, family: event.IPv6, own: true},
	}
}

// want is a place and the socket there, if there can be one.
type want struct {
	place
	port      *port
	link      event.Link // what was last said of it
	instances []string
	mesh      mesh  // of these
	reach     reach // of the link; only where it is early
	// deliveries is that of the link and family, which its wants share.
	deliveries *deliveries
	retry      time.Time // when to try again to open the port; zero: no need
	failures   int       // in a row
	err        string    // why adverts are not heard; empty while they are
	mended     int       // how often the socket was opened anew since it would have heard nothing
	mendedAt   time.Time // when that was last logged
}
