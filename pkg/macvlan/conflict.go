package macvlan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"ripcord/pkg/event"
)

// vrrpName matches the names that keepalived and ripcord give their macvlans: vrrp.VRID or
// vrrp6.VRID, or if that name is taken, with another number after vrrp or at the end.
var vrrpName = regexp.MustCompile(`^vrrp[0-9]*\.([0-9]{1,3})(\.[0-9]+)?$`)

// leftBehind reports whether a link that bears the device's MAC looks like one that keepalived, or
// an earlier run whose mark was lost, has left behind.
func (v *device) leftBehind(n Link) bool {
	if n.Kind != "macvlan" || !n.Shared {
		return false
	}
	if n.Name == v.Name {
		return true
	}
	m := vrrpName.FindStringSubmatch(n.Name)
	return m != nil && m[1] == strconv.Itoa(int(v.MAC[5]))
}

// conflict returns the links that prevent a device from being set up, and what to do; empty if
// there is none.
func (l *ledger) conflict(v *device) string {
	var parts []string
	for _, n := range v.rivals {
		switch other := l.made[n.Index]; {
		case other != nil && other != v:
			parts = append(parts, fmt.Sprintf("the link %s of the instance %s has the same virtual MAC on the same lower link: give one of the two another vrid", n.Name, other.Instance))
		case n.Index == l.under[v.Below].Index:
			parts = append(parts, fmt.Sprintf("%s itself has the virtual MAC %s: restore its own with ip link set %s address MAC", n.Name, v.text(), n.Name))
		default:
			parts = append(parts, fmt.Sprintf("the link %s also has the virtual MAC %s, so %s cannot be set up on %s: stop the program that uses it, and remove it with ip link del %s",
				n.Name, v.text(), v.Name, v.Below, n.Name))
		}
	}
	return strings.Join(parts, "; ")
}

// text formats the MAC.
func (v *device) text() string { return event.DeviceMoved{MAC: v.MAC}.Address() }
