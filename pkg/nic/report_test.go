package nic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// up returns the report on a link without faults, without the answers to questions.
func up(index int, name string) Report {
	return Report{Name: name, Index: index, AdminUp: true, Carrier: true, OperState: "up", UpCount: 1, DownCount: 1}
}

func withoutCarrier(r Report) Report {
	r.Carrier, r.OperState, r.DownCount = false, "down", r.DownCount+1
	return r
}

func TestReportLines(t *testing.T) {
	yes := true
	nic := up(2, "eth0")
	nic.Driver, nic.GLINK.Up, nic.Monitor, nic.Why = "e1000e", &yes, "mii", "a transceiver answers"
	nic.Hint, nic.HintWhy = "none", "it takes CAP_BPF and CAP_PERFMON"
	nic.MII.Transceiver = &Transceiver{PHY: 1, ID: 0x02a80150, BMSR: 0x7909}
	no := false
	nic.MII.Up = &no
	bare := withoutCarrier(up(3, "eth1"))
	bare.GLINK.Error, bare.MII.Error = "ETHTOOL_GLINK: operation not supported", notSupported
	bare.Monitor, bare.Why = "none", "nothing reports it"
	down := withoutCarrier(up(4, "eth2"))
	down.AdminUp = false
	cut := withoutCarrier(up(5, "eth3"))
	cut.Extended.State = Extended{State: 4}.String()
	old := up(6, "eth4")
	old.Extended.Error = "find the generic netlink family ethtool: no such file or directory"

	got := ""
	for _, n := range []Report{nic, bare, down, cut, old} {
		for _, line := range n.Lines() {
			got += strings.TrimSpace(fmt.Sprintf("%s: %s", line[0], line[1])) + "\n"
		}
	}
	want := `flags: UP,LOWER_UP
operstate: up
carrier: yes; came once, went once
driver: e1000e
ethtool: link yes
mii: transceiver present: PHY 1, id 0x02a80150, no link
link beat: no
monitor: auto is mii: a transceiver answers
hint: none: it takes CAP_BPF and CAP_PERFMON
flags: UP,NO-CARRIER
operstate: down
carrier: no; came once, went 2 times
ethtool: ETHTOOL_GLINK: operation not supported
extended: the driver reports no reason for the missing carrier
mii: SIOCGMIIPHY: operation not supported
monitor: auto is none: nothing reports it
flags: DOWN
operstate: down
carrier: no; came once, went 2 times
ethtool:
mii:
monitor: auto is :
flags: UP,NO-CARRIER
operstate: down
carrier: no; came once, went 2 times
ethtool:
extended: no cable
mii:
monitor: auto is :
flags: UP,LOWER_UP
operstate: up
carrier: yes; came once, went once
ethtool:
extended: find the generic netlink family ethtool: no such file or directory
mii:
monitor: auto is :
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
