package lab

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestClonedRouter gives two routers the same own address, as on a cloned machine: both log this at
// error, count it and show it in status, and do not fill the log. When one of them has another
// address, one is Active and the warning ends.
func TestClonedRouter(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for name, tt := range map[string]struct {
		on           shared
		clone, apart string
		more         string
	}{
		"IPv4": {insideIPv4, "addr del 192.0.2.12/24 dev eth0; addr add 192.0.2.11/24 dev eth0",
			"addr del 192.0.2.11/24 dev eth0; addr add 192.0.2.12/24 dev eth0", ""},
		"IPv4 from the virtual MAC": {insideIPv4, "addr del 192.0.2.12/24 dev eth0; addr add 192.0.2.11/24 dev eth0",
			"addr del 192.0.2.11/24 dev eth0; addr add 192.0.2.12/24 dev eth0", ", virtual_mac: true"},
		"IPv6": {insideIPv6, "addr del fe80::ff:fe00:201/64 dev eth0; addr add fe80::ff:fe00:101/64 dev eth0 nodad",
			"addr add fe80::ff:fe00:201/64 dev eth0 nodad; addr del fe80::ff:fe00:101/64 dev eth0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			s := newSiteOf(t, []segment{inside},
				lan.Port{Host: "a", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses(fmt.Sprintf(tt.on.hosts, 11))}},
				lan.Port{Host: "b", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses(fmt.Sprintf(tt.on.hosts, 12))}})
			s.commands("b", tt.clone)
			start := func(host string, priority int) *daemon {
				return s.startYAML(host, fmt.Sprintf("log: {level: debug}\ncontrol: {socket: %s}\ninstances:\n"+
					"  - {name: inside, interface: eth0, vrid: 51, priority: %d, interval: %v, addresses: ['%s']%s}\n",
					s.socket(host), priority, interval, tt.on.virtual[0], tt.more))
			}
			began := time.Now()
			both := []*daemon{start("a", 150), start("b", 100)}
			for _, d := range both {
				d.becomes("active", began, 8*time.Second)
				d.wait(began, patience, "that another has its address", func(l line) bool {
					return l.Level == "error" && l.Event == "advert.rejected" && l.Reason == "own-address"
				})
			}
			time.Sleep(10 * interval)
			for _, d := range both {
				warns := func(w control.Warning) bool { return w.Reason == "own-address" }
				if all := d.status().Instances[0].Warnings; !slices.ContainsFunc(all, warns) {
					t.Errorf("%s warns of %+v", d.name, all)
				}
				for end := time.Now().Add(patience); d.status().Instances[0].Statistics.Counters["own_address_errors"] < 5; time.Sleep(interval) {
					if time.Now().After(end) {
						t.Fatalf("%s counted %v", d.name, d.status().Instances[0].Statistics.Counters["own_address_errors"])
					}
				}
				logged := 0
				for _, l := range d.log(began) {
					if l.Level == "error" && l.Reason == "own-address" {
						logged++
					}
				}
				if logged > 3 {
					t.Errorf("%s logged it %d times", d.name, logged)
				}
			}
			at := time.Now()
			s.commands("b", tt.apart)
			both[1].becomes("backup", at, 5*time.Second)
			if both[0].state() != "active" {
				t.Errorf("a is %s", both[0].state())
			}
		})
	}
}
