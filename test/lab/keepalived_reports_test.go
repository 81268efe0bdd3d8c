package lab

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What was reported to keepalived and needs a kernel; other reports are scripts of pkg/vrrp/machine
// (keepalived-NUMBER-….txt) and tests of pkg/notify, pkg/router and pkg/link/monitor.

// TestKeepalived2519AllReturn: with 255 VRIDs on one interface that goes down and up, all
// instances of keepalived stay in FAULT: it was busy with the removal of their addresses when
// the message that the interface is up came, and lost it.
func TestKeepalived2519AllReturn(t *testing.T) {
	t.Parallel()
	const routers = 255
	s := newSite(t, []segment{inside}, "a")
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "control: {socket: %s}\nlinks: {default: {recovery: {wait: 0s}}}\ndefaults: {priority: 150, interval: 500ms}\ninstances:\n", s.socket("a"))
	for i := range routers {
		fmt.Fprintf(&yaml, "  - {name: i%d, interface: %s, vrid: %d, addresses: [10.0.%d.1/24, 10.1.%d.1/24]}\n", i, inside.ifname, i+1, i, i)
	}
	a := s.startYAML("a", yaml.String())
	all := func(state string, within time.Duration) {
		t.Helper()
		until(t, within, "all "+state, func() bool {
			n := 0
			for _, in := range a.status().Instances {
				if in.State == state {
					n++
				}
			}
			return n == routers
		})
	}
	a.becomes("active", time.Time{}, 20*time.Second)
	all("active", 20*time.Second)
	cable := s.Cable("a", inside.ifname)
	for range 3 {
		s.at(cable.AdminDown()) // each with 510 addresses to remove, and up while that goes on
		all("fault", 10*time.Second)
		s.at(cable.AdminUp())
		time.Sleep(20 * time.Millisecond)
		s.at(cable.AdminDown())
		s.at(cable.AdminUp())
		all("active", 20*time.Second)
	}
	if held := strings.Count(s.ip("a", "-o", "-4", "addr", "show", "dev", inside.ifname), " inet 10."); held != 2*routers {
		t.Errorf("%d addresses are held, want %d", held, 2*routers)
	}
}

// TestKeepalived1390RouteSource: where a reload changes nothing but the source of a route,
// keepalived goes on with the old route; and where the source is an address that the same reload
// adds, it has no route.
func TestKeepalived1390RouteSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	file := func(source, more string) string {
		return fmt.Sprintf("control: {socket: %s}\ninstances:\n", s.socket("a")) +
			fmt.Sprintf("  - {name: inside, interface: eth0, vrid: 51, priority: 150, interval: 200ms, addresses: [192.0.2.1/24, 192.0.2.201/24%s], routes: [{to: 203.0.113.0/24, via: 192.0.2.254, source: %s}]}\n", more, source)
	}
	route := func() string { return s.ip("a", "route", "show", "to", "203.0.113.0/24") }
	began := time.Now()
	a := s.startYAML("a", file("192.0.2.1", ""))
	a.becomes("active", began, 5*time.Second)
	for _, step := range [][2]string{{"192.0.2.1"}, {"192.0.2.201"}, {"192.0.2.1"}, {"192.0.2.202", ", 192.0.2.202/24"}} {
		at, source := time.Now(), step[0]
		s.rewrite("a", file(source, step[1]))
		a.signal(syscall.SIGHUP)
		a.wait(at, 5*time.Second, "config.reloaded", is("config.reloaded"))
		until(t, 5*time.Second, "the route from "+source, func() bool {
			return strings.Contains(route()+" ", " src "+source+" ") && strings.Count(route(), "203.0.113.0/24") == 1
		})
		if moves := a.moves(at); len(moves) > 0 {
			t.Errorf("it moved: %+v", moves)
		}
	}
}
