package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestAlternativeNames checks that every key that names an interface accepts an alternative name,
// also one that is longer than a primary name may be. It may appear, move and disappear at run
// time, and the link may be renamed.
func TestAlternativeNames(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, virtualMAC := range []bool{false, true} {
		t.Run(fmt.Sprintf("virtual MAC %v", virtualMAC), func(t *testing.T) {
			t.Parallel()
			const long = "the-uplink-to-the-first-provider"
			s := newSite(t, []segment{inside, outside}, "a")
			s.ip("a", "link", "property", "add", "dev", "eth0", "altname", "wan0", "altname", "wan1")
			s.ip("a", "link", "property", "add", "dev", "eth1", "altname", long)
			yaml := fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
links: {wan0: {recovery: {wait: 0}}, wan1: {confirm: 20ms}}
instances:
  - name: inside
    interface: wan0
    vrid: 51
    interval: 100ms
    virtual_mac: %v
    addresses: [192.0.2.1/24, {address: 198.51.100.1/24, interface: %s}]
    extra_addresses: ['2001:db8::1/64']
    routes: [{to: 203.0.113.0/24, via: 198.51.100.99, interface: %s}]
`, s.socket("a"), virtualMAC, long, long)
			began := time.Now()
			a := s.startYAML("a", yaml)
			a.becomes("active", began, 5*time.Second)
			on := "eth0"
			if virtualMAC {
				on = "vrrp.51"
			}
			holds := func() {
				t.Helper()
				s.shows("192.0.2.1/24", "-o", "addr", "show", "dev", on)
				s.shows("198.51.100.1/24", "-o", "addr", "show", "dev", "eth1")
				s.shows("dev eth1", "route", "show", "203.0.113.0/24")
			}
			holds()
			if l := a.status().Links; len(l) != 1 || l[0].Name != "wan0" || l[0].Device != "eth0" || !l[0].Up {
				t.Errorf("links %+v", l)
			}
			at := s.pull("a", inside)
			a.becomes("fault", at, patience)
			at = s.plug("a", inside)
			a.becomes("active", at, 10*time.Second)
			holds()

			at = time.Now()
			s.ip("a", "link", "property", "del", "dev", "eth0", "altname", "wan0")
			if l := a.becomes("fault", at, patience); l.Reason != "interface-down" {
				t.Errorf("in Fault for %s", l.Reason)
			}
			at = time.Now()
			s.ip("a", "link", "property", "add", "dev", "eth0", "altname", "wan0")
			a.becomes("active", at, 10*time.Second)
			holds()
			if virtualMAC {
				return // the macvlan keeps its parent up under any name
			}
			at = time.Now()
			s.ip("a", "link", "set", "eth0", "down")
			a.becomes("fault", at, patience)
			at = time.Now()
			s.ip("a", "link", "set", "eth0", "name", "eth7")
			s.ip("a", "link", "set", "eth7", "up")
			s.ip("a", "addr", "replace", "192.0.2.11/24", "dev", "eth7")
			a.becomes("active", at, 10*time.Second)
			on = "eth7"
			holds()
		})
	}
}

// shows waits until a command of ip on a shows a text.
func (s *site) shows(text string, command ...string) {
	s.t.Helper()
	shown := ""
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		if shown = s.ip("a", command...); strings.Contains(shown, text) {
			return
		}
	}
	s.t.Errorf("ip %s shows no %s:\n%s", strings.Join(command, " "), text, shown)
}

// TestBecomesPort checks that an interface of a Backup that becomes a port of another device at run
// time, or is one at the start, is a fault with that reason, logged at error, and that the router
// is Backup again when the interface is released.
func TestBecomesPort(t *testing.T) {
	netns.NeedRoot(t)
	for name, tt := range map[string]struct{ make, enslave string }{
		"bridge": {"link add m0 type bridge; link set m0 up", "link set eth0 master m0"},
		"bond":   {"link add m0 type bond mode active-backup; link set m0 up", "link set eth0 down; link set eth0 master m0; link set eth0 up"},
		"team":   {"link add m0 type team; link set m0 up", "link set eth0 down; link set eth0 master m0; link set eth0 up"},
	} {
		for _, on := range []shared{insideIPv4, insideIPv6} {
			t.Run(name+" "+on.virtual[0], func(t *testing.T) {
				t.Parallel()
				const interval = 200 * time.Millisecond
				s, a, b := startPair(t, interval, on)
				if _, err := s.Run("b", "ip", strings.Fields(strings.Split(tt.make, ";")[0])...); err != nil {
					t.Skipf("skipped: this kernel has no %s: %v", name, err)
				}
				s.commands("b", strings.SplitN(tt.make, ";", 2)[1])
				at := time.Now()
				s.commands("b", tt.enslave)
				b.wait(at, patience, "that it is a port", func(l line) bool {
					return l.Level == "error" && l.Event == "instance.fault" && l.Reason == "enslaved" && strings.Contains(l.Msg, "m0")
				})
				time.Sleep(2 * downInterval(100, interval))
				for _, l := range b.moves(at) {
					if l.To == "active" {
						t.Errorf("a second Active: %s", l.Msg)
					}
				}
				if f := b.status().Instances[0].Faults; len(f) != 1 || f[0].Reason != "enslaved" || a.state() != "active" {
					t.Errorf("a is %s, faults of b %+v", a.state(), f)
				}
				at = time.Now()
				s.ip("b", "link", "set", "eth0", "nomaster")
				s.ip("b", "link", "set", "eth0", "up")
				b.becomes("backup", at, 5*time.Second)
				at = s.pull("a", inside)
				b.becomes("active", at, 5*time.Second)
			})
		}
	}
}
