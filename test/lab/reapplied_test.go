package lab

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReappliedAddressesAreGivenUp lets another program add the addresses and the route of the
// Active again, so that they lose their mark: the daemon marks them again, and after a failover
// only the new Active has them. This holds also if the Active is killed, and the next run removes
// its addresses.
func TestReappliedAddressesAreGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ more, four, six string }{
		"on the interface":   {"", "eth0", "eth0"},
		"with a virtual MAC": {", virtual_mac: true", "vrrp.51", "vrrp6.51"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := virtualSite(t, "a", "b")
			configure := func(host string, priority int) string {
				return fmt.Sprintf(`control: {socket: %s}
defaults: {priority: %d, interval: %v%s}
instances:
  - name: four
    interface: eth0
    vrid: 51
    addresses: [192.0.2.1/24]
    routes: [{to: 203.0.113.0/24, via: 192.0.2.13, interface: eth0}]
  - {name: six, interface: eth0, vrid: 51, addresses: [fe80::51:1/64, 2001:db8:51::1/64]}
groups: [{name: edge, members: [four, six]}]
`, s.socket(host), priority, often, c.more)
			}
			began := time.Now()
			a := s.startYAML("a", configure("a", 150))
			a.wait(began, patience, "its route", is("route.added"))
			b := s.startYAML("b", configure("b", 100))
			b.becomes("backup", began, patience)

			reapply := func() {
				at := time.Now()
				s.ip("a", "address", "replace", "192.0.2.1/24", "dev", c.four)
				s.ip("a", "address", "replace", "fe80::51:1/64", "dev", c.six)
				s.ip("a", "address", "replace", "2001:db8:51::1/64", "dev", c.six)
				for _, address := range []string{"192.0.2.1/24", "fe80::51:1/64", "2001:db8:51::1/64"} {
					a.wait(at, patience, "the mark of "+address, func(l line) bool {
						return l.Event == "address.marked" && strings.Contains(l.Msg, address)
					})
				}
				s.ip("a", "route", "replace", "203.0.113.0/24", "via", "192.0.2.12", "dev", "eth0")
				a.wait(at, patience, "the route", is("route.restored"))
			}
			standing := func() string {
				return s.ip("a", "address", "show", "to", "192.0.2.1") + s.ip("a", "-6", "address", "show", "to", "fe80::51:1") +
					s.ip("a", "-6", "address", "show", "to", "2001:db8:51::1") + s.ip("a", "route", "show", "203.0.113.0/24")
			}
			reapply()
			if text := s.ip("a", "route", "show", "203.0.113.0/24"); !strings.Contains(text, "via 192.0.2.13") {
				t.Errorf("the route is not put back: %s", text)
			}
			at := a.signal(syscall.SIGTERM)
			<-a.Exited
			b.becomes("active", at, patience)
			if text := standing(); text != "" {
				t.Errorf("left on a after its end:\n%s", text)
			}

			began = time.Now()
			a = s.startYAML("a", configure("a", 150))
			a.becomes("active", began, patience)
			a.wait(began, patience, "its route", is("route.added"))
			reapply()
			a.kill()
			began = time.Now()
			a = s.startYAML("a", configure("a", 50))
			a.becomes("backup", began, patience)
			for deadline := time.Now().Add(patience); standing() != "" && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			if text := standing(); text != "" {
				t.Errorf("left on a after a crash:\n%s", text)
			}
		})
	}
}
