package vrrp

import (
	"sync/atomic"
	"time"
)

// Counter names one of the statistics of a virtual router.
type Counter int

// The counters: RFC 8347's names, those of the errata, RFC 2787's of the
// authentication of v2, our own of the HMAC, the two forms of the checksum, every
// move of the state, and what the kernel dropped for us while a link was flooded.
const (
	ActiveTransitions Counter = iota
	AdvertisementRcvd
	AdvertisementSent
	IntervalErrors
	PriorityZeroRcvd
	PriorityZeroSent
	InvalidTypeRcvd
	AddressListErrors
	PacketLengthErrors
	ChecksumErrors
	VersionErrors
	VRIDErrors
	IPTTLErrors
	CountZeroErrors
	IntervalZeroErrors
	FirstNotLinkLocal
	OwnerConflicts
	AuthFailures
	InvalidAuthType
	AuthTypeMismatch
	AuthMissing
	AuthMalformed
	AuthStale
	AuthUnknownKey
	AuthInvalidHMAC
	AuthReplays
	PeerErrors
	ChecksumPseudoHeader
	ChecksumMessageOnly
	Transitions // of any kind
	FloodDrops  // of the whole router
	counters
)

var counterNames = [counters]string{
	"active_transitions", "advertisement_rcvd", "advertisement_sent", "interval_errors",
	"priority_zero_pkts_rcvd", "priority_zero_pkts_sent", "invalid_type_pkts_rcvd",
	"address_list_errors", "packet_length_errors", "checksum_errors", "version_errors",
	"vrid_errors", "ip_ttl_errors", "count_zero_errors", "interval_zero_errors",
	"first_not_link_local", "owner_conflicts",
	"auth_failures", "invalid_auth_type", "auth_type_mismatch",
	"auth_ext_missing", "auth_ext_malformed", "auth_stale", "auth_unknown_key", "auth_invalid_hmac", "auth_replay",
	"peer_errors", "checksum_pseudo_header", "checksum_message_only",
	"transitions", "flood_drops",
}

// String gives the counter's name in the API: RFC 8347's in snake case.
func (c Counter) String() string { return counterNames[c] }

// Stats are the statistics of one virtual router, or of what could not be told
// to belong to any. Whoever counts writes them, from any goroutine.
type Stats struct {
	counts [counters]atomic.Uint64
	// Since is when they began to count: RFC 8347's discontinuity-datetime.
	Since time.Time
}

// Add counts one.
func (s *Stats) Add(c Counter) { s.counts[c].Add(1) }

// AddN counts n at once.
func (s *Stats) AddN(c Counter, n uint64) { s.counts[c].Add(n) }

// Get reads a counter.
func (s *Stats) Get(c Counter) uint64 { return s.counts[c].Load() }

// Each calls yield for every counter, in order.
func (s *Stats) Each(yield func(Counter, uint64) bool) {
	for c := range counters {
		if !yield(c, s.Get(c)) {
			return
		}
	}
}
