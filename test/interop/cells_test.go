package interop

import (
	"fmt"
	"testing"
	"time"

	"ripcord/test/netns"
)

// cell is one combination of the matrix.
type cell struct {
	peer      string // keepalived or frr
	version   int    // of VRRP
	ipv6      bool
	mode      string // multicast, or one of the constants below
	priority  string // of ripcord: higher, lower or equal
	essential bool   // part of `make interop`
}

const (
	// noLinkLocal is multicast without a link-local virtual address, which RFC 9568 §5.2.9 forbids
	// and keepalived sends after a warning.
	noLinkLocal = "no fe80::"
	// unicast is between the routers' own addresses, without link-local ones.
	unicast = "unicast"
	// virtualMAC is multicast from the virtual MAC by both routers. FRR has no other mode.
	virtualMAC = "virtual MAC"
	// macOfAddresses is multicast from the interfaces' own MACs by both routers, while the
	// addresses are at the virtual MAC: keepalived's vmac_xmit_base.
	macOfAddresses = "virtual MAC of addresses"
	// otherGroup is multicast to another group than that of RFC 9568.
	otherGroup = "another group"
	// password is multicast with a simple password (RFC 2338 §5.3.6).
	password = "password"
	// leftAtVersion2 is a keepalived without a configured version beside our version 3.
	leftAtVersion2 = "its v2, our v3"
)

// secret is the password, of the maximum of 8 characters.
const secret = "secret12"

// priorities of the two routers: one of these is ripcord's, by cell.priority.
const high, low = 150, 100

func (c cell) String() string {
	return fmt.Sprintf("%s %s %s %s", c.peer, c.protocol(), c.mode, c.priority)
}

// protocol returns the version, and the family if the version has two.
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

// interval returns the shortest interval of version 2, or one that is short enough for a quick test
// and long enough for a busy machine.
func (c cell) interval() time.Duration {
	if c.version == 2 || c.mode == leftAtVersion2 {
		return time.Second
	}
	return 400 * time.Millisecond
}

// ours and theirs return the priorities of ripcord and of the peer.
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

// matrix lists the cells. The essential ones combine each peer and mode at version 3, and multicast
// at version 2, with priorities above and below ripcord, and with an equal priority once for each
// peer.
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

// TestMatrix runs ripcord and the peer as one virtual router in each cell. Whatever happens to one
// of them, by command, by force or by cable, the router that the protocol names must be Active,
// within the protocol's own time, and never both for longer than an interval.
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
