package lab

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// TestVirtualMACOfAddresses checks virtual_mac_adverts: false: adverts are sent from the
// interface's MAC, and the addresses are announced and answered at the virtual one. A reload
// changes this in both directions, and the Active stays Active; and it yields to a better router
// that advertises from the virtual MAC, which its own macvlan has, too.
func TestVirtualMACOfAddresses(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	tap := s.tap("a")
	configure := func(host string, priority int, adverts bool) string {
		return fmt.Sprintf(`control: {socket: %s}
defaults: {priority: %d, interval: %v, virtual_mac: true, virtual_mac_adverts: %v}
instances:
  - {name: four, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}
  - {name: six, interface: eth0, vrid: 51, addresses: [fe80::51:1/64, 2001:db8:51::1/64], extra_addresses: [2001:db8:51::99/64]}
groups: [{name: edge, members: [four, six]}]
`, s.socket(host), priority, often, adverts)
	}
	// advertised checks that a has sent at least three adverts of each family since an instant, all
	// from the right MACs.
	advertised := func(since time.Time, fromVirtual bool) {
		t.Helper()
		time.Sleep(5 * often)
		link := s.Cable("a", "eth0").MAC()
		want := map[string]lan.MAC{"advert": link, "advert 6": link}
		if fromVirtual {
			want = map[string]lan.MAC{"advert": virtual4, "advert 6": virtual6}
		}
		count := make(map[string]int)
		for _, f := range tap.Frames() {
			if kind, _, _ := kindOf(f); f.At.After(since) && want[kind] != (lan.MAC{}) {
				count[kind]++
				if f.Source != want[kind] {
					t.Errorf("virtual_mac_adverts: %v: %s from %v", fromVirtual, kind, f.Source)
				}
			}
		}
		if count["advert"] < 3 || count["advert 6"] < 3 {
			t.Errorf("virtual_mac_adverts: %v: %v", fromVirtual, count)
		}
	}

	began := time.Now()
	a := s.startYAML("a", configure("a", 100, false))
	a.becomes("active", began, 5*time.Second)
	a.wait(began, patience, "its addresses", is("address.added"))
	s.askVirtual(s.prober(inside))
	advertised(began, false)
	announced := make(map[string]int)
	for _, f := range tap.Frames() {
		if kind, address, at := kindOf(f); virtualAddresses[address] != (lan.MAC{}) {
			announced[kind]++
			if at != virtualAddresses[address] || f.Source != at {
				t.Errorf("%s from %v announces %v at %v", kind, f.Source, address, at)
			}
		}
	}
	if announced["gratuitous ARP"] == 0 || announced["NA"] == 0 {
		t.Errorf("the addresses are not announced: %v", announced)
	}

	for _, adverts := range []bool{true, false} {
		at := time.Now()
		s.rewrite("a", configure("a", 100, adverts))
		a.signal(syscall.SIGHUP)
		reloaded := a.wait(at, patience, "the reload", is("config.reloaded"))
		advertised(reloaded.TS, adverts)
		a.unmoved(at)
	}

	began = time.Now()
	b := s.startYAML("b", configure("b", 150, true))
	b.becomes("active", began, patience)
	a.becomes("backup", began, patience)
}
