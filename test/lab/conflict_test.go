package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// conflicts waits until a daemon has logged address.conflict for an address since, at
// error, and shows it in its status.
func (d *daemon) conflicts(since time.Time, address string) line {
	d.t.Helper()
	l := d.wait(since, 10*time.Second, "the conflict of "+address, func(l line) bool {
		return l.Event == "address.conflict" && strings.Contains(l.Msg, address+" ")
	})
	if l.Level != "error" {
		d.t.Errorf("logged at level %s", l.Level)
	}
	for _, i := range d.status().Instances {
		for _, w := range i.Warnings {
			if w.Reason == "address-conflict" && w.Subject == address {
				return l
			}
		}
	}
	d.t.Errorf("status has no warning of %s", address)
	return l
}

// TestStaticAddressOnTheBackup checks that the Backup logs static addresses of its own that are
// virtual addresses, and that the Active logs them, too, since the Backup answers its probes. The
// conflict ends when the addresses are removed.
func TestStaticAddressOnTheBackup(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	began := time.Now()
	yaml := func(host string, priority int) string {
		return fmt.Sprintf(`control: {socket: %s}
defaults: {priority: %d, interval: %v}
instances:
  - {name: four, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}
  - {name: six, interface: eth0, vrid: 51, addresses: [fe80::51:1/64, 2001:db8:51::1/64]}
groups: [{name: edge, members: [four, six]}]
`, s.socket(host), priority, often)
	}
	for _, address := range []string{"192.0.2.1/24", "2001:db8:51::1/64"} {
		s.ip("b", "address", "add", address, "dev", "eth0", "nodad")
	}
	a := s.startYAML("a", yaml("a", 150)) // it probes a second after it is Active
	a.becomes("active", began, patience)
	b := s.startYAML("b", yaml("b", 100))
	b.becomes("backup", began, patience)
	for _, address := range []string{"192.0.2.1", "2001:db8:51::1"} {
		if l := b.conflicts(began, address); !strings.Contains(l.Msg, "ip address del "+address+"/") {
			t.Errorf("it does not say what to do: %s", l.Msg)
		}
	}
	for _, address := range []string{"192.0.2.1", "2001:db8:51::1"} {
		if l := a.conflicts(began, address); !strings.Contains(l.Msg, s.Cable("b", "eth0").MAC().String()) {
			t.Errorf("it does not say who: %s", l.Msg)
		}
	}
	for _, address := range []string{"192.0.2.1/24", "2001:db8:51::1/64"} {
		s.ip("b", "address", "del", address, "dev", "eth0")
	}
	for host, d := range map[string]*daemon{"a": a, "b": b} {
		deadline := time.Now().Add(25 * time.Second)
		left := func() (n int) {
			for _, i := range d.status().Instances {
				n += len(i.Warnings)
			}
			return n
		}
		for left() > 0 && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
		if n := left(); n > 0 {
			t.Errorf("%s still has %d warnings", host, n)
		}
	}
}

// TestThirdMachineHasTheAddress checks that the Active reports a third machine that has the virtual
// addresses, with and without virtual MACs on the routers.
func TestThirdMachineHasTheAddress(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"", ", virtual_mac: true"} {
		t.Run(more, func(t *testing.T) {
			t.Parallel()
			s := virtualSite(t, "a", "third")
			began := time.Now()
			for _, address := range []string{"192.0.2.1/24", "2001:db8:51::1/64"} {
				s.ip("third", "address", "add", address, "dev", "eth0", "nodad")
			}
			a := s.startYAML("a", fmt.Sprintf(`control: {socket: %s}
defaults: {interval: %v%s}
instances:
  - {name: four, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}
  - {name: six, interface: eth0, vrid: 52, addresses: [fe80::51:1/64, 2001:db8:51::1/64]}
`, s.socket("a"), often, more))
			a.becomes("active", began, patience)
			for _, address := range []string{"192.0.2.1", "2001:db8:51::1"} {
				a.conflicts(began, address)
			}
			a.never(began, "device.failed")
		})
	}
}

// TestFailoverIsNoConflict checks that failovers between healthy routers are not reported as a
// conflict.
func TestFailoverIsNoConflict(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a", "b")
	began := time.Now()
	a := s.start("a", router{150, often, ""})
	a.becomes("active", began, patience)
	b := s.start("b", router{100, often, ""})
	b.becomes("backup", began, patience)
	for range 2 {
		at := s.at(s.Cable("a", "eth0").Pull())
		b.becomes("active", at, patience)
		time.Sleep(1500 * time.Millisecond)
		at = s.at(s.Cable("a", "eth0").Plug())
		a.becomes("active", at, 40*time.Second)
		b.becomes("backup", at, patience)
		time.Sleep(2500 * time.Millisecond)
	}
	a.never(began, "address.conflict")
	b.never(began, "address.conflict")
}
