package vm

import (
	"testing"
	"time"
)

// stacks are what may stand between a NIC and the instance on it.
var stacks = []nic{
	{ // the VLAN knows what its NIC knows, and that comes late: the NIC must be asked
		name: "vlan", device: "e1000", modules: []string{"e1000", "8021q"}, iface: "eth0.10",
		stack:   "$b ip link set eth0 up; $b ip link add link eth0 name eth0.10 type vlan id 10",
		sources: []string{"confirm"},
		median:  200 * time.Millisecond, latest: time.Second, plugged: 10 * time.Second,
	},
	{ // a VRF never tells; the NIC in it does
		name: "vrf", device: "e1000", modules: []string{"e1000", "vrf"},
		stack:   "$b ip link add red type vrf table 10; $b ip link set red up; $b ip link set eth0 master red",
		sources: []string{"confirm"},
		median:  200 * time.Millisecond, latest: time.Second, plugged: 10 * time.Second,
	},
	{ // the bond looks at its ports every miimon
		name: "bond", device: "rtl8139", modules: []string{"8139cp", "bonding"}, iface: "bond0",
		stack: "cd /sys/class/net; [ -e bond0 ] || echo +bond0 >bonding_masters; echo active-backup >bond0/bonding/mode; " +
			"echo 50 >bond0/bonding/miimon; echo +eth0 >bond0/bonding/slaves; cd /",
		sources: []string{"notification", "confirm"},
		median:  250 * time.Millisecond, latest: 1500 * time.Millisecond, plugged: 10 * time.Second,
	},
}

// A cable that is pulled under a VLAN, a VRF or a bond.
func TestStack(t *testing.T) {
	p := need(t)
	for _, n := range stacks {
		t.Run(n.name, func(t *testing.T) { n.test(t, p) })
	}
}
