package wire

// Reason is why an advert is rejected: one of RFC 8347's error names, or our own if it has none.
// It is an error.
type Reason string

// The reasons are in the order in which they are checked (RFC 9568 §7.1): first SplitIPv4's, then
// Decode's, then VRIDError by the receiver, which knows the configuration, then Check's. The
// order only decides which counter is incremented. The receiver also returns VersionError for a
// version other than that of the virtual router, the errors that only VRRPv2 has: another
// authentication (Auth.Admits) and another interval than its own (RFC 3768 §7.1), and those for
// adverts that are not multicast, or not from a configured peer. RFC 8347 has no names for the
// authentication; those of v2 are RFC 2787's.
const (
	IPHeaderError     Reason = "ip-header"
	IPTTLError        Reason = "ip-ttl-error"
	Truncated         Reason = "truncated"
	VersionError      Reason = "version-error"
	TypeError         Reason = "type"
	PacketLengthError Reason = "packet-length-error"
	CARP              Reason = "carp" // not VRRP at all: the receiver distinguishes it from a wrong length
	ChecksumError     Reason = "checksum-error"
	VRIDError         Reason = "vrid-error"
	CountZero         Reason = "count-zero"
	IntervalZero      Reason = "interval-zero"
	InvalidAuthType   Reason = "invalid-auth-type"
	AuthTypeMismatch  Reason = "auth-type-mismatch"
	AuthFailure       Reason = "auth-failure"
	IntervalError     Reason = "interval-error"
	NotAPeer          Reason = "not-a-peer"    // not from one of the unicast peers
	NotMulticast      Reason = "not-multicast" // not sent to the group although unicast is not configured
	NotUnicast        Reason = "not-unicast"   // sent to the group although unicast is configured
	OwnAddress        Reason = "own-address"   // from an address of ours, but not sent by this router
)

// These are the reasons of the authentication by HMAC, in the order in which they are checked,
// after Check.
const (
	AuthMissing     Reason = "auth-ext-missing" // it has none, but must have one
	AuthMalformed   Reason = "auth-ext-malformed"
	AuthStale       Reason = "auth-stale" // its time differs from ours
	AuthUnknownKey  Reason = "auth-unknown-key"
	AuthInvalidHMAC Reason = "auth-invalid-hmac"
	AuthReplay      Reason = "auth-replay" // it or a later one was already received
)

// Flood is the reason for adverts that the kernel dropped unread during a flood of a link: each
// had a wrong hop limit or a VRID that is not ours.
const Flood Reason = "flood"

// Error returns the reason itself.
func (r Reason) Error() string { return string(r) }
