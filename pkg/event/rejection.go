package event

import (
	"fmt"
	"net/netip"
)

// rejection is what is wrong with rejected adverts, as a sentence about them, and what a person
// should do.
type rejection struct{ what, remedy string }

// The reasons of rejections (wire.Reason) whose messages differ from the others.
const (
	ownAddress = "own-address" // another router sends from an address of this router
	flood      = "flood"       // the kernel dropped the adverts unread
	notAPeer   = "not-a-peer"
)

const (
	sameAuth    = "give both routers the same `auth`"
	sameHMAC    = "give both routers the same `auth.hmac`"
	sameKeys    = "give both routers the same `auth.hmac.keys`"
	sameUnicast = "configure `unicast` on all routers or on none"
	sameClocks  = "synchronize both clocks"
	correct     = "correct the configuration of the router that sends them"
)

// rejections describes the reasons of rejected adverts. A reason without a remedy calls for a
// capture of the packets.
var rejections = map[string]rejection{
	"ip-header":           {"their IP header is damaged", ""},
	"ip-ttl-error":        {"they have passed a router (TTL or hop limit)", "connect both routers to one segment, or use `unicast` with a lower `min_ttl`"},
	"truncated":           {"they are cut off", ""},
	"version-error":       {"they are of another VRRP version", "configure the same `version` on all routers"},
	"type":                {"they are of an unknown type", ""},
	"packet-length-error": {"their length is wrong", ""},
	"carp":                {"they are CARP, not VRRP", "give one of the two another id: both use the MAC 00:00:5e:00:01:VRID"},
	"checksum-error":      {"their checksum is wrong", ""},
	"vrid-error":          {"no instance on this interface has their VRID", "configure it here if both routers should share their addresses; otherwise nothing is wrong"},
	"count-zero":          {"they have no addresses", correct},
	"interval-zero":       {"they have the interval 0", correct},
	"invalid-auth-type":   {"their type of authentication is unknown", sameAuth},
	"auth-type-mismatch":  {"their type of authentication differs", sameAuth},
	"auth-failure":        {"they have another password", "set the same `auth.pass` on both routers"},
	"interval-error":      {"they have another interval", "set the same `interval` on both routers, as VRRPv2 demands"},
	notAPeer:              {"their sender is not one of the `unicast` peers", ""},
	"not-multicast":       {"they were sent by unicast, and this instance uses multicast", sameUnicast},
	"not-unicast":         {"they were sent by multicast, and this instance uses unicast", sameUnicast},
	ownAddress:            {"that is an address of this router, which did not send them", "give each router its own source address"},
	"auth-ext-missing":    {"they are not signed", sameHMAC},
	"auth-ext-malformed":  {"they are signed with another method", sameHMAC},
	"auth-stale":          {"they are signed with a clock that differs", sameClocks},
	"auth-unknown-key":    {"they are signed with an unknown key", sameKeys},
	"auth-invalid-hmac":   {"they are signed with another key", sameKeys},
	"auth-replay":         {"their time has passed", sameClocks + "; if they are right, recorded adverts are being replayed"},
	flood:                 {"more arrived than this router can read, each with a wrong hop limit or the VRID of no instance", "find the machine that sends them"},
}

// RejectionRemedy returns what a person should do about adverts of a router that are rejected on
// an interface for a reason.
func RejectionRemedy(reason string, source netip.Addr, iface string) string {
	if reason == notAPeer {
		return fmt.Sprintf("add %s to `peers`, or give that router another VRID", source)
	}
	if remedy := rejections[reason].remedy; remedy != "" {
		return remedy
	}
	return fmt.Sprintf("capture the packets (`tcpdump -vvni %s ip proto 112 or ip6 proto 112`)", iface)
}
