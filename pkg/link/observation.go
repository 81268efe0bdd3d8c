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
	// UpCount and DownCount are IFLA_CARRIER_UP_COUNT and _DOWN_COUNT; both are 0 if the kernel
	// does not count.
	UpCount, DownCount uint32
	MTU                int
	HardwareAddr       [6]byte
	NoARP              bool // IFF_NOARP: the kernel asks no neighbor for its MAC
	// Parent is the ifindex of the device underneath (IFLA_LINK) if it is in the same namespace,
	// otherwise 0. The other end of a veth is not a parent.
	Parent int
	// AltNames are the alternative names (IFLA_ALT_IFNAME).
	AltNames []string
	// Master is the ifindex of the device of which the link is a port (IFLA_MASTER), 0 if it is
	// none, and MasterKind is the kind of that device (IFLA_INFO_SLAVE_KIND; empty if the kernel
	// does not report it).
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

// captive reports whether another device takes the frames that arrive on the link: it is a port of
// a bridge, a switch, a bond or a team. Ports of a VRF and of a batman mesh still receive.
func (s *Seen) captive() bool {
	return s.Master != 0 && s.MasterKind != "vrf" && s.MasterKind != "batadv"
}

// up reports whether the kernel describes the link as up.
func (s *Seen) up() bool {
	return s.AdminUp && s.LowerUp && (s.OperState == event.OperUp || s.OperState == event.OperUnknown)
}

// Assigned is an address on a link as the kernel described it in an RTM_NEWADDR.
type Assigned struct {
	Index      int
	Prefix     netip.Prefix
	Scope      uint8 // RT_SCOPE_*
	Secondary  bool  // IFA_F_SECONDARY, IPv4
	Deprecated bool  // IFA_F_DEPRECATED
	// Unready says that the address may not be used as a source: duplicate address detection is
	// under way (and not optimistic) or has failed.
	Unready   bool
	Duplicate bool // detection has failed: another station has the address (IFA_F_DADFAILED)
	Marked    bool // IFA_PROTO is ripcord's
}

// Observation is a fact that was learned about the links.
type Observation interface{ observation() }

// LinkSeen is an RTM_NEWLINK.
type LinkSeen struct{ Link Seen }

// LinkGone is an RTM_DELLINK.
type LinkGone struct{ Index int }

// AddressSeen is an RTM_NEWADDR.
type AddressSeen struct{ Address Assigned }

// AddressGone is an RTM_DELADDR.
type AddressGone struct{ Address Assigned }

// HintsOpened says that the kernel reports changes of its carrier flags from now on, or why not.
type HintsOpened struct{ Hints Hints }

// Answer is the answer of a source that was asked, as opposed to a message of the kernel.
type Answer struct {
	Source event.Source
	Index  int
	Birth  uint64 // of the Target asked, so that the answer does not count for another link with its index
	Up     bool
	// Flapped says that the link was lost and came back since the source was last asked.
	Flapped bool
}

// Unanswered says that a source did not answer a question.
type Unanswered struct {
	Source event.Source
	Index  int
	Birth  uint64 // of the Target asked
}

// Examined lists the sources that can be asked about a link.
type Examined struct {
	nic.Device
	nic.Capabilities
}

// Explained is the driver's answer to the question why a link has no carrier.
type Explained struct {
	Index  int
	Birth  uint64
	Reason string // empty if the driver reports none
}

// PeriodChanged says at which period a link is asked from now on.
type PeriodChanged struct {
	Source event.Source // Confirm: by the confirmer, otherwise by the poller
	Index  int
	Birth  uint64
	Every  time.Duration // 0: the link is not asked any more
	// Stretched says that the period is longer than configured, because asking costs too much.
	Stretched bool
	Why       string // why the period has changed, for the log; empty: it is not logged
}

// Hinted is a report of the kernel about a link's carrier flag.
type Hinted struct{ hint.Record }

// Elapsed says that the Deadline has come.
type Elapsed struct{}

// Dump is a complete list: of the links, of the addresses, or of both.
type Dump struct {
	Reason      Resync
	OfLinks     bool
	OfAddresses bool
	Links       []Seen
	Addresses   []Assigned
	// listed contains the indexes of all links if the dump was sifted: the lists then contain only
	// differences.
	listed map[int]bool
}

// Resync is the reason for a Dump.
type Resync string

// The reasons for a Dump.
const (
	Initial Resync = "start"   // the first one
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

// Reconfigured is a new configuration: it changes which links are watched, and how. The states of
// the links are kept.
type Reconfigured struct {
	Watched, OtherNames []string
	Default             Settings
	Links               map[string]Settings
	Sources             Sources
}

func (Reconfigured) observation() {}
