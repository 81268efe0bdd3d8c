package lab

import (
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

const often = 100 * time.Millisecond // between adverts, where the test only waits

// alone starts one router on one segment and waits until it holds its address.
func alone(t *testing.T) (*site, *daemon) {
	t.Helper()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, often, ""})
	a.wait(began, 5*time.Second, "its address", is("address.added"))
	return s, a
}

func is(event string) func(line) bool { return func(l line) bool { return l.Event == event } }

// TestLateInterface checks that an interface that does not exist yet is a fault and no error: the
// daemon uses it when it appears, stops using it when it is deleted, and uses it again when another
// one with its name appears.
func TestLateInterface(t *testing.T) {
	t.Parallel()
	late := segment{name: "inside", ifname: "late0", vrid: 51, network: inside.network}
	s := newSiteOf(t, []segment{late}, lan.Port{Host: "a", Name: "eth0", Segment: "other"})
	began := time.Now()
	// Nobody is behind late1 to prove that it forwards: no proof is asked.
	yaml := router{150, often, ""}.yaml(s, s.socket("a")) + "links: {late0: {recovery: {wait: 0}}}\n"
	a := s.startYAML("a", yaml)
	a.becomes("fault", began, 5*time.Second)
	for range 2 {
		at := time.Now()
		s.ip("a", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
		s.ip("a", "address", "add", "192.0.2.11/24", "dev", "late0")
		s.ip("a", "link", "set", "late1", "up")
		s.ip("a", "link", "set", "late0", "up")
		a.becomes("active", at, 5*time.Second)
		a.wait(at, patience, "its address", is("address.added"))
		if !s.holds("a", late) {
			t.Error("it is Active and does not hold the address")
		}
		gone := time.Now()
		s.ip("a", "link", "del", "late0")
		// Its addresses go first, and that may be read first.
		if l := a.becomes("fault", gone, patience); l.Reason != "interface-down" && l.Reason != "no-primary-ip-address" {
			t.Errorf("the interface is gone, and it is in Fault for %q", l.Reason)
		}
	}
}

// TestLeftovers checks that the start finds the addresses of a killed run by their mark and removes
// them, and removes no others, such as an address of an administrator.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	s, a := alone(t)
	s.ip("a", "address", "add", "192.0.2.77/24", "dev", "eth0")
	a.kill()
	if !s.holds("a", inside) {
		t.Fatal("a killed daemon leaves its address; this one did not, and the test shows nothing")
	}
	// Started as a Backup of a better router, it must not keep the address.
	at := time.Now()
	a = s.start("a", router{100, 10 * time.Second, ""})
	a.becomes("backup", at, 5*time.Second)
	a.wait(at, patience, "the removal", is("address.removed"))
	if s.holds("a", inside) {
		t.Error("the leftover is still there")
	}
	if got := s.ip("a", "-o", "address", "show", "dev", "eth0"); !strings.Contains(got, "192.0.2.77/24") || !strings.Contains(got, "192.0.2.11/24") {
		t.Errorf("it removed what is not its own: %s", got)
	}
}

// TestAddressPutBack checks that an address is added again at once whenever somebody removes it,
// that no router changes state because of this, and that the log has fewer lines than removals.
func TestAddressPutBack(t *testing.T) {
	t.Parallel()
	s, a := alone(t)
	began := time.Now()
	for n := range 12 {
		at := time.Now()
		s.ip("a", "address", "del", "192.0.2.1/24", "dev", "eth0")
		if n < 4 {
			a.wait(at, patience, "address.restored", is("address.restored"))
		}
		until(t, patience, "it to be put back", func() bool { return s.holds("a", inside) })
	}
	time.Sleep(300 * time.Millisecond) // in which it would become a fault
	if st := a.state(); st != "active" {
		t.Errorf("it is %s, want active", st)
	}
	if n := a.count(began, is("address.restored")); n > 5 {
		t.Errorf("it logged %d times that it added the address again, want 5 at most", n)
	}
}

// TestForeignAddress checks that an address that exists already, without ripcord's mark, is used
// and neither added nor removed.
func TestForeignAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	s.ip("a", "address", "add", "192.0.2.1/24", "dev", "eth0")
	began := time.Now()
	a := s.start("a", router{150, often, ""})
	a.wait(began, 5*time.Second, "address.foreign", is("address.foreign"))
	at := s.pull("a", inside)
	a.becomes("fault", at, patience)
	time.Sleep(often)
	if !s.holds("a", inside) {
		t.Error("it removed an address that it had not added")
	}
}
