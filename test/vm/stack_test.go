package vm

import (
	"testing"
	"time"
)

// stacks are devices between a NIC and the instance.
var stacks = []nic{
	{ // a VLAN has its NIC's state, which comes late: the NIC must be polled
		name: "vlan", device: "e1000", modules: []string{"e1000", "8021q"}, iface: "vlan10",
		stack:   "$b ip link set $nic up; $b ip link add link $nic name vlan10 type vlan id 10",
		sources: []string{"confirm"},
		median:  400 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // a VRF never reports a loss; the NIC in it does
		name: "vrf", device: "e1000", modules: []string{"e1000", "vrf"},
		stack:   "$b ip link add red type vrf table 10; $b ip link set red up; $b ip link set $nic master red",
		sources: []string{"confirm"},
		median:  400 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // the bond checks its ports every miimon
		name: "bond", device: "rtl8139", modules: []string{"8139cp", "bonding"}, iface: "bond0",
		stack: "cd /sys/class/net; [ -e bond0 ] || echo +bond0 >bonding_masters; echo active-backup >bond0/bonding/mode; " +
			"echo 50 >bond0/bonding/miimon; echo +$nic >bond0/bonding/slaves; cd /",
		sources: []string{"notification", "confirm"},
		median:  400 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
	{ // the team learns what the kernel announces about its port
		name: "team", device: "rtl8139", modules: []string{"8139cp", "team", "team_mode_activebackup"}, iface: "team0",
		stack:   "$b ip link add team0 type team; team team0 mode activebackup; $b ip link set $nic master team0; team team0 activeport $nic",
		sources: []string{"notification", "confirm"},
		median:  400 * time.Millisecond, latest: 2 * time.Second, plugged: 10 * time.Second,
	},
}

// TestStack pulls the cables under a VLAN, a VRF, a bond and a team of one guest, one after the
// other.
func TestStack(t *testing.T) {
	p := need(t)
	t.Parallel()
	var lans []*lanSwitch
	for range stacks {
		lans = append(lans, newSwitch(t))
	}
	g := boot(t, p, host{nics: stacks, number: 11, priority: 150, links: alone}, lans...)
	read := make([]readings, len(stacks))
	for place := range stacks {
		g.cable(place).reaches(time.Time{}, 10*time.Second, "active")
	}
	for i := range pulls {
		for place := range stacks {
			time.Sleep(200*time.Millisecond + time.Duration(i)*130*time.Millisecond)
			g.cable(place).lose(lans[place], &read[place])
		}
		plugged := make([]time.Time, len(stacks))
		for place := range stacks {
			plugged[place] = g.cable(place).plug()
		}
		for place, n := range stacks {
			up := g.cable(place).await(plugged[place], n.plugged, "link.up")
			read[place].back = append(read[place].back, up.at.Sub(plugged[place]))
			g.cable(place).reaches(up.at, 10*time.Second, "active")
		}
	}
	for place := range stacks {
		g.cable(place).judge(read[place])
	}
}

// lose pulls the cable of a guest that is alone on its segment.
func (c cable) lose(lan *lanSwitch, r *readings) {
	c.t.Helper()
	if len(lan.since(11, time.Now().Add(-2*interval))) == 0 {
		c.t.Errorf("%v: no advert passes the switch before the cable is pulled", c.nic)
	}
	pulled := c.pull()
	down := c.await(pulled, 10*time.Second, "link.down")
	c.reaches(pulled, 5*time.Second, "fault")
	r.took = append(r.took, down.at.Sub(pulled))
	r.sources = append(r.sources, down.Source)
}
