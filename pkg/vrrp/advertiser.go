package vrrp

import (
	"net/netip"
	"time"
)

// Advertiser is a router that advertises, with the priority and the interval of its last advert.
type Advertiser struct {
	Source   netip.Addr
	Priority uint8
	Interval time.Duration
}
