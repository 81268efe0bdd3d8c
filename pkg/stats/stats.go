// Package stats counts the events of the virtual routers, under the names of RFC 8347.
package stats

import (
	"sync/atomic"
	"time"

	"ripcord/pkg/wire"
)

// Counter identifies one of the statistics of a virtual router.
type Counter int

// The definitions of the counters are in the table below: a new counter is one line here and one
// there.
const (
	Transitions Counter = iota
	ActiveTransitions
	AdvertisementRcvd
	AdvertisementRepeated
	AdvertisementSent
	PriorityZeroRcvd
	PriorityZeroSent
	ProbeDeaths
	ProbeFalseAlarms
	IPTTLErrors
	VersionErrors
	InvalidTypeRcvd
	PacketLengthErrors
	ChecksumErrors
	VRIDErrors
	CountZeroErrors
	IntervalZeroErrors
	InvalidAuthType
	AuthTypeMismatch
	AuthFailures
	AuthMissing
	AuthMalformed
	AuthStale
	AuthUnknownKey
	AuthInvalidHMAC
	AuthReplays
	PeerErrors
	OwnAddressErrors
	FloodDrops
	IntervalErrors
	AddressListErrors
	FirstNotLinkLocal
	OwnerConflicts
	ChecksumPseudoHeader
	ChecksumMessageOnly
	counters
)

// Metric is the kind of metric in which a counter appears.
type Metric uint8

// The metrics that counters are shown in.
const (
	Alone      Metric = iota // a metric of its own, with Help
	Rejected                 // adverts that were discarded, by reason
	Mismatched               // adverts that differ from our configuration, by reason
	Form                     // adverts by the form of their checksum
)

// Definition describes a counter to the API and the metrics.
type Definition struct {
	// Key is its name in the API: RFC 8347's in snake case, or that of RFC 2787 or of the errata,
	// or ripcord's own.
	Key    string
	Metric Metric
	// Label is the name of its own metric, without prefix and unit, or the value of the label
	// that distinguishes it in a common metric.
	Label string
	Help  string // for its own metric
	// Reasons are the reasons of the rejections that it counts.
	Reasons []wire.Reason
	// Daemon is set if it is counted for the daemon only, not for each instance.
	Daemon bool
}

var definitions = [counters]Definition{
	Transitions:           {Key: "transitions", Label: "transitions", Help: "State changes of any kind. If this grows by itself, the virtual router flaps."},
	ActiveTransitions:     {Key: "active_transitions", Label: "active_transitions", Help: "Times that the virtual router became Active (RFC 8347: master-transitions)."},
	AdvertisementRcvd:     {Key: "advertisement_rcvd", Label: "adverts_received", Help: "Valid adverts received from other routers (RFC 8347: advertisement-rcvd). If this stops growing on a Backup, it will soon be Active."},
	AdvertisementRepeated: {Key: "advertisement_repeated", Label: "adverts_repeated", Help: "Valid adverts from other routers that repeated the last one and were counted by the kernel filter (`filter`)."},
	AdvertisementSent:     {Key: "advertisement_sent", Label: "adverts_sent", Help: "Adverts sent, including resignations (RFC 8347: advertisement-sent). If this stops growing on an Active, it will soon lose its addresses."},
	PriorityZeroRcvd:      {Key: "priority_zero_pkts_rcvd", Label: "priority_zero_received", Help: "Resignations received from other routers (RFC 8347: priority-zero-pkts-rcvd)."},
	PriorityZeroSent:      {Key: "priority_zero_pkts_sent", Label: "priority_zero_sent", Help: "Resignations sent (RFC 8347: priority-zero-pkts-sent)."},

	ProbeDeaths:      {Key: "probe_deaths", Label: "probe_deaths", Help: "Times that the probe declared the Active's machine dead (`probe`)."},
	ProbeFalseAlarms: {Key: "probe_false_alarms", Label: "probe_false_alarms", Help: "Times that it was alive: false alarms. ripcord then does not probe that Active for an hour."},

	IPTTLErrors:        {Key: "ip_ttl_errors", Metric: Rejected, Label: string(wire.IPTTLError), Reasons: []wire.Reason{wire.IPTTLError}},
	VersionErrors:      {Key: "version_errors", Metric: Rejected, Label: string(wire.VersionError), Reasons: []wire.Reason{wire.VersionError}},
	InvalidTypeRcvd:    {Key: "invalid_type_pkts_rcvd", Metric: Rejected, Label: string(wire.TypeError), Reasons: []wire.Reason{wire.TypeError}},
	PacketLengthErrors: {Key: "packet_length_errors", Metric: Rejected, Label: string(wire.PacketLengthError), Reasons: []wire.Reason{wire.PacketLengthError, wire.IPHeaderError, wire.Truncated, wire.CARP}},
	ChecksumErrors:     {Key: "checksum_errors", Metric: Rejected, Label: string(wire.ChecksumError), Reasons: []wire.Reason{wire.ChecksumError}},
	VRIDErrors:         {Key: "vrid_errors", Metric: Rejected, Label: string(wire.VRIDError), Reasons: []wire.Reason{wire.VRIDError}, Daemon: true},
	CountZeroErrors:    {Key: "count_zero_errors", Metric: Rejected, Label: string(wire.CountZero), Reasons: []wire.Reason{wire.CountZero}},
	IntervalZeroErrors: {Key: "interval_zero_errors", Metric: Rejected, Label: string(wire.IntervalZero), Reasons: []wire.Reason{wire.IntervalZero}},
	InvalidAuthType:    {Key: "invalid_auth_type", Metric: Rejected, Label: string(wire.InvalidAuthType), Reasons: []wire.Reason{wire.InvalidAuthType}},
	AuthTypeMismatch:   {Key: "auth_type_mismatch", Metric: Rejected, Label: string(wire.AuthTypeMismatch), Reasons: []wire.Reason{wire.AuthTypeMismatch}},
	AuthFailures:       {Key: "auth_failures", Metric: Rejected, Label: string(wire.AuthFailure), Reasons: []wire.Reason{wire.AuthFailure}},
	AuthMissing:        {Key: "auth_ext_missing", Metric: Rejected, Label: string(wire.AuthMissing), Reasons: []wire.Reason{wire.AuthMissing}},
	AuthMalformed:      {Key: "auth_ext_malformed", Metric: Rejected, Label: string(wire.AuthMalformed), Reasons: []wire.Reason{wire.AuthMalformed}},
	AuthStale:          {Key: "auth_stale", Metric: Rejected, Label: string(wire.AuthStale), Reasons: []wire.Reason{wire.AuthStale}},
	AuthUnknownKey:     {Key: "auth_unknown_key", Metric: Rejected, Label: string(wire.AuthUnknownKey), Reasons: []wire.Reason{wire.AuthUnknownKey}},
	AuthInvalidHMAC:    {Key: "auth_invalid_hmac", Metric: Rejected, Label: string(wire.AuthInvalidHMAC), Reasons: []wire.Reason{wire.AuthInvalidHMAC}},
	AuthReplays:        {Key: "auth_replay", Metric: Rejected, Label: string(wire.AuthReplay), Reasons: []wire.Reason{wire.AuthReplay}},
	PeerErrors:         {Key: "peer_errors", Metric: Rejected, Label: "peer", Reasons: []wire.Reason{wire.NotAPeer, wire.NotMulticast, wire.NotUnicast}},
	OwnAddressErrors:   {Key: "own_address_errors", Metric: Rejected, Label: string(wire.OwnAddress), Reasons: []wire.Reason{wire.OwnAddress}},
	FloodDrops:         {Key: "flood_drops", Metric: Rejected, Label: string(wire.Flood), Reasons: []wire.Reason{wire.Flood}, Daemon: true},

	// VRRPv2 rejects an advert with another interval; the others are accepted.
	IntervalErrors:    {Key: "interval_errors", Metric: Mismatched, Label: string(wire.IntervalError), Reasons: []wire.Reason{wire.IntervalError}},
	AddressListErrors: {Key: "address_list_errors", Metric: Mismatched, Label: "address-list-error"},
	FirstNotLinkLocal: {Key: "first_not_link_local", Metric: Mismatched, Label: "first-not-link-local"},
	OwnerConflicts:    {Key: "owner_conflicts", Metric: Mismatched, Label: "owner-conflict"},

	ChecksumPseudoHeader: {Key: "checksum_pseudo_header", Metric: Form, Label: wire.PseudoHeader.String()},
	ChecksumMessageOnly:  {Key: "checksum_message_only", Metric: Form, Label: wire.MessageOnly.String()},
}

// byReason maps the reason of a rejection to its counter.
var byReason = func() map[wire.Reason]Counter {
	all := make(map[wire.Reason]Counter)
	for c := range counters {
		for _, r := range definitions[c].Reasons {
			all[r] = c
		}
	}
	return all
}()

// ByReason returns the counter of the adverts that are rejected for a reason.
func ByReason(r wire.Reason) Counter { return byReason[r] }

// All calls yield for every counter and its definition, in order.
func All(yield func(Counter, Definition) bool) {
	for c := range counters {
		if !yield(c, definitions[c]) {
			return
		}
	}
}

// String returns the counter's name in the API.
func (c Counter) String() string { return definitions[c].Key }

// Counters are the statistics of one virtual router, or of the adverts that belong to none. They
// may be incremented and read from any goroutine.
type Counters struct {
	counts [counters]atomic.Uint64
	// Since is when the counters began to count: RFC 8347's discontinuity-datetime.
	Since time.Time
}

// Add adds one.
func (s *Counters) Add(c Counter) { s.counts[c].Add(1) }

// AddN adds n.
func (s *Counters) AddN(c Counter, n uint64) { s.counts[c].Add(n) }

// Get returns the value of a counter.
func (s *Counters) Get(c Counter) uint64 { return s.counts[c].Load() }
