package interop

import (
	"fmt"
	"testing"
	"time"

	"ripcord/test/netns"
)

// cell is one combination of the matrix.
type cell struct {
	peer      string // keepalived, frr
	version   int    // of VRRP
	ipv6      bool
	mode      string // multicast, or one of the constants below
	priority  string // of ripcord: higher, lower or equal
	essential bool   // part of `make interop`
}

const (
	// noLinkLocal is multicast whose virtual addresses have no link-local one, as
	// RFC 9568 §5.2.9 does not allow and keepalived sends after a warning.
	noLinkLocal = "no fe80::"
	// unicast is between the routers' own addresses, no link-local ones.
	unicast = "unicast"
	// virtualMAC is multicast from the virtual MAC, by both; FRR knows no other way.
	virtualMAC = "virtual MAC"
	// macOfAddresses is multicast from the interfaces' own MACs, by both, while the
	// addresses stand at the virtual one: keepalived's vmac_xmit_base.
	macOfAddresses = "virtual MAC of addresses"
	// otherGroup is multicast to another group than that of RFC 9568.
	otherGroup = "another group"
	// password is multicast with a simple password (RFC 2338 §5.3.6).
	password = "password"
	// leftAtVersion2 is a keepalived that was told of no version beside our 3.
	leftAtVersion2 = "its v2, our v3"
)

// secret is the password: 8 characters, as many as there may be.
const secret = "secret12"

// priorities of the two routers: one of these is ripcord's, by cell.priority.
const high, low = 150, 100

func (c cell) String() string {
	return fmt.Sprintf("%s %s %s %s", c.peer, c.protocol(), c.mode, c.priority)
}

// protocol is the version, and the family where the version knows two.
func (c cell) protocol() string {
	switch {
	case c.version == 2:
		return "v2"
	case c.ipv6:
		return "v3 IPv6"
	default:
		return "v3 IPv4"
	}
}

// interval is the shortest that version 2 can say, or little enough to be quick
// and enough to bear a busy machine.
func (c cell) interval() time.Duration {
	if c.version == 2 || c.mode == leftAtVersion2 {
		return time.Second
	}
	return 400 * time.Millisecond
}

// ours and theirs are the priorities of ripcord and of the peer.
func (c cell) ours() int {
	if c.priority == "lower" {
		return low
	}
	return high
}

func (c cell) theirs() int {
	if c.priority == "higher" {
		return low
	}
	return high
}

// matrix lists the cells. The essential ones have each peer and mode at version
// 3, and version 2 by multicast, above and below ripcord; an equal priority only
// once for each peer.
func matrix() (cells []cell) {
	add := func(peer string, version int, ipv6 bool, modes ...string) {
		for _, mode := range modes {
			for _, priority := range []string{"higher", "lower", "equal"} {
				essential := version == 3 || mode == "multicast" || mode == password || mode == otherGroup
				if priority == "equal" {
					essential = version == 3 && !ipv6 && mode == "multicast"
				}
				cells = append(cells, cell{peer, version, ipv6, mode, priority, essential})
			}
		}
	}
	add("keepalived", 2, false, "multicast", otherGroup, password, unicast, virtualMAC, macOfAddresses)
	add("keepalived", 3, false, "multicast", otherGroup, unicast, virtualMAC, macOfAddresses)
	add("keepalived", 3, true, "multicast", otherGroup, noLinkLocal, unicast, virtualMAC, macOfAddresses)
	add("frr", 2, false, "multicast", virtualMAC)
	add("frr", 3, false, "multicast", virtualMAC)
	add("frr", 3, true, "multicast", virtualMAC)
	return cells
}

// Each cell: ripcord and the peer share a virtual router, and whatever happens
// to one of them, by command, by force or by cable, leaves the one Active that
// the protocol names, within the protocol's own time, and never two for longer
// than an interval.
func TestMatrix(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	var scenes []*scene
	for _, c := range matrix() {
		if c.essential || *full {
			scenes = append(scenes, newScene(t, c))
		}
	}
	t.Run("cell", func(t *testing.T) {
		for _, s := range scenes {
			t.Run(s.cell.String(), func(t *testing.T) {
				t.Parallel()
				s.as(t)
				if s.cell.priority == "equal" {
					s.playEqual()
				} else {
					s.playUnequal()
				}
				s.noComplaints()
			})
		}
	})
}
