package link

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/hint"
	"ripcord/pkg/nic"
)

// Seen is an interface as the kernel described it in an RTM_NEWLINK.
type Seen struct {
	Index     int
	Name      string
	AdminUp   bool // IFF_UP
	LowerUp   bool // IFF_LOWER_UP: the carrier when the message was built
	OperState event.OperState
	// UpCount and DownCount are IFLA_CARRIER_UP_COUNT and _DOWN_COUNT; both are
	// 0 where the kernel does not count.
	UpCount, DownCount uint32
	MTU                int
	HardwareAddr       [6]byte
	NoARP              bool // IFF_NOARP: no neighbor is asked for its MAC
	// Parent is the ifindex of the device underneath (IFLA_LINK) if it lives in
	// the same namespace, else 0. The other end of a veth is no parent.
	Parent int
	// AltNames are its alternative names (IFLA_ALT_IFNAME).
	AltNames []string
	// Master is the ifindex of the device of which it is a port (IFLA_MASTER), and
	// MasterKind the kind of that (IFLA_INFO_SLAVE_KIND; empty where the kernel does
	// not report it); 0 if it is none.
	Master     int
	MasterKind string
	// Local reports that the addresses on the device belong to no link: it is the loopback, a
	// dummy, or the device of a VRF.
	Local bool
}

// equal reports whether two descriptions are the same.
func (s *Seen) equal(o *Seen) bool {
	return s.Index == o.Index && s.Name == o.Name && s.AdminUp == o.AdminUp && s.LowerUp == o.LowerUp &&
		s.OperState == o.OperState && s.UpCount == o.UpCount && s.DownCount == o.DownCount && s.MTU == o.MTU &&
		s.HardwareAddr == o.HardwareAddr && s.NoARP == o.NoARP && s.Parent == o.Parent && slices.Equal(s.AltNames, o.AltNames) &&
		s.Master == o.Master && s.MasterKind == o.MasterKind && s.Local == o.Local
}

// names yields all names of a link, its own first.
func (s *Seen) names(yield func(string) bool) {
	if !yield(s.Name) {
		return
	}
	for _, name := range s.AltNames {
		if !yield(name) {
			return
		}
	}
}

// Has reports whether the link has that name, as its own or as an alternative one.
func (s *Seen) Has(name string) bool { return s.Name == name || slices.Contains(s.AltNames, name) }

// sameNames reports whether another description has the same names.
func (s *Seen) sameNames(o *Seen) bool {
	return s.Name == o.Name && slices.Equal(s.AltNames, o.AltNames)
}

// captive reports whether another device takes what arrives on the link: it is a
// port of a bridge, a switch, a bond or a team. The ports of a VRF, and those of
// a batman mesh, hear all the same.
func (s *Seen) captive() bool {
	return s.Master != 0 && s.MasterKind != "vrf" && s.MasterKind != "batadv"
}

// up reports whether the kernel describes the link as up.
func (s *Seen) up() bool {
	return s.AdminUp && s.LowerUp && (s.OperState == event.OperUp || s.OperState == event.OperUnknown)
}

// Assigned is an address on a link as the kernel described it in an
// RTM_NEWADDR.
type Assigned struct {
	Index      int
	Prefix     netip.Prefix
	Scope      uint8 // RT_SCOPE_*
	Secondary  bool  // IFA_F_SECONDARY, IPv4
	Deprecated bool  // IFA_F_DEPRECATED
	// Unready: the address may not be used as a source, since duplicate address
	// detection is under way (and not optimistic) or has failed.
	Unready   bool
	Duplicate bool // it has failed: another station has the address (IFA_F_DADFAILED)
	Marked    bool // IFA_PROTO is ours
}

// Observation is something that was learned about the links.
type Observation interface{ observation() }

// LinkSeen is an RTM_NEWLINK.
type LinkSeen struct{ Link Seen }

// LinkGone is an RTM_DELLINK.
type LinkGone struct{ Index int }

// AddressSeen is an RTM_NEWADDR.
type AddressSeen struct{ Address Assigned }

// AddressGone is an RTM_DELADDR.
type AddressGone struct{ Address Assigned }

// HintsOpened is that the kernel reports changes of its carrier flags from now on, or why it
// does not.
type HintsOpened struct{ Hints Hints }

// Answer is the answer of a source other than the kernel's messages that was asked:
// there is a carrier or there is none.
type Answer struct {
	Source event.Source
	Index  int
	Birth  uint64 // of the Target asked, so that a successor is not blamed
	Up     bool
	// Flapped: the link was lost since the source was last asked, and is back.
	Flapped bool
}

// Unanswered is a question to a source that was not answered.
type Unanswered struct {
	Source event.Source
	Index  int
	Birth  uint64 // of the Target asked
}

// Examined reports what can be asked about a link.
type Examined struct {
	nic.Device
	nic.Capabilities
}

// Explained is the driver's answer to the question why a link has no carrier.
type Explained struct {
	Index  int
	Birth  uint64
	Reason string // empty where it reports none
}

// PeriodChanged is the period at which a link is asked from now on.
type PeriodChanged struct {
	Source event.Source // Confirm for the confirmer, else it is the poller's
	Index  int
	Birth  uint64
	Every  time.Duration // 0: it is not asked any more
	// Stretched: the period is longer than configured, since asking costs too much.
	Stretched bool
	Why       string // why the period has changed, where that is to be logged; else empty
}

// Hinted is a report of the kernel about a link's carrier flag.
type Hinted struct{ hint.Record }

// Elapsed reports that the Deadline has come.
type Elapsed struct{}

// Dump is a whole list: of the links, of the addresses, or of both.
type Dump struct {
	Reason      Resync
	OfLinks     bool
	OfAddresses bool
	Links       []Seen
	Addresses   []Assigned
	// listed are the indexes of all links, if the dump was sifted: then the lists have
	// only what differs from what is known.
	listed map[int]bool
}

// Resync is the reason for a Dump.
type Resync string

// The reasons for a Dump.
const (
	Initial Resync = "start"   // it is the first
	Overrun Resync = "overrun" // messages were lost
	Audit   Resync = "audit"   // the periodic check
)

func (LinkSeen) observation()      {}
func (LinkGone) observation()      {}
func (AddressSeen) observation()   {}
func (AddressGone) observation()   {}
func (Dump) observation()          {}
func (*Answer) observation()       {}
func (*Unanswered) observation()   {}
func (Examined) observation()      {}
func (Explained) observation()     {}
func (PeriodChanged) observation() {}
func (Hinted) observation()        {}
func (HintsOpened) observation()   {}
func (Elapsed) observation()       {}

// Reconfigured is a new configuration: other links are watched, or in another way. The states
// of the links are kept.
type Reconfigured struct {
	Watched, Called []string
	Default         Settings
	Links           map[string]Settings
	Sources         Sources
}

func (Reconfigured) observation() {}
