package wire

// Reason says why an advert is rejected: RFC 8347's error names where it has
// one, our own elsewhere. It is an error.
type Reason string

// The reasons, in the order in which they are checked (RFC 9568 §7.1): first SplitIPv4's,
// then Decode's, then VRIDError by the receiver, who knows what is configured, then Check's.
// The order decides only which counter rises. The receiver also finds VersionError for a
// version that is not that of the virtual router, and what VRRPv2 alone discards: another
// authentication (Auth.Admits) and another interval than its own (RFC 3768 §7.1), and adverts
// that are not multicast, or from no configured peer. RFC 8347 has no names for the
// authentication; those of v2 are RFC 2787's.
const (
	IPHeaderError     Reason = "ip-header"
	IPTTLError        Reason = "ip-ttl-error"
	Truncated         Reason = "truncated"
	VersionError      Reason = "version-error"
	TypeError         Reason = "type"
	PacketLengthError Reason = "packet-length-error"
	CARP              Reason = "carp" // no VRRP at all: the receiver tells it from a wrong length
	ChecksumError     Reason = "checksum-error"
	VRIDError         Reason = "vrid-error"
	CountZero         Reason = "count-zero"
	IntervalZero      Reason = "interval-zero"
	InvalidAuthType   Reason = "invalid-auth-type"
	AuthTypeMismatch  Reason = "auth-type-mismatch"
	AuthFailure       Reason = "auth-failure"
	IntervalError     Reason = "interval-error"
	NotAPeer          Reason = "not-a-peer"    // not from one of the unicast peers
	NotMulticast      Reason = "not-multicast" // not sent to the group, where unicast is not configured
	NotUnicast        Reason = "not-unicast"   // sent to the group, where unicast is configured
	OwnAddress        Reason = "own-address"   // from an address of ours, and not sent by us
)

// The reasons of the authentication by HMAC, in the order in which they are
// checked, behind Check.
const (
	AuthMissing     Reason = "auth-ext-missing" // it bears none, and has to
	AuthMalformed   Reason = "auth-ext-malformed"
	AuthStale       Reason = "auth-stale" // its time is not ours
	AuthUnknownKey  Reason = "auth-unknown-key"
	AuthInvalidHMAC Reason = "auth-invalid-hmac"
	AuthReplay      Reason = "auth-replay" // it was heard before, or a later one was
)

// Flood is the reason for adverts that the kernel dropped unread, while a link
// was flooded: each had a wrong hop limit or a VRID that is not ours.
const Flood Reason = "flood"

// Error returns the reason itself.
func (r Reason) Error() string { return string(r) }
