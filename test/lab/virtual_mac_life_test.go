package lab

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// up reports whether a link of a host exists, and whether it is administratively up.
func (s *site) up(host, link string) (there, up bool) {
	for raw := range strings.Lines(s.ip(host, "-o", "link", "show")) {
		fields := strings.Fields(raw)
		if name, _, _ := strings.Cut(strings.TrimSuffix(fields[1], ":"), "@"); name == link {
			return true, strings.Contains(fields[2], "UP,") || strings.Contains(fields[2], ",UP")
		}
	}
	return false, false
}

// awaitLink waits until a link exists or not, and is up or not, as wanted.
func (s *site) awaitLink(host, link string, there, up bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		isThere, isUp := s.up(host, link)
		if isThere == there && isUp == up {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s of %s: there %t, up %t; want %t, %t:\n%s", link, host, isThere, isUp, there, up, s.ip(host, "-d", "address"))
		}
	}
}

// TestVirtualMACAfterACrash kills a daemon, whose macvlans then still answer: the next daemon takes
// them over and silences them, or removes them if no instance uses them. When it ends, the machine
// is as it was before the first.
func TestVirtualMACAfterACrash(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a")
	s.ip("a", "link", "add", "vrrp6.51", "link", "eth0", "type", "macvlan") // another program's link has the name
	before := s.devices("a")
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	a.wait(began, patience, "its addresses", is("address.added"))
	theirs := fmt.Sprintf("vrrp6.51.%d", s.index("a", "eth0"))
	s.awaitLink("a", "vrrp.51", true, true)
	s.awaitLink("a", theirs, true, true)
	for range 2 {
		a.kill()
		began = time.Now()
		a = s.startVirtual("a", 100, 10*time.Second)
		a.becomes("backup", began, patience)
		a.wait(began, patience, "the macvlan of the earlier run", is("device.adopted"))
		s.awaitLink("a", "vrrp.51", true, false)
		s.awaitLink("a", theirs, true, false)
		if text := s.ip("a", "address"); strings.Contains(text, "192.0.2.1/") || strings.Contains(text, "51::1/") {
			t.Errorf("an address is left:\n%s", text)
		}
	}
	a.signal(syscall.SIGTERM)
	<-a.Exited
	if after := s.devices("a"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}

	began = time.Now()
	a = s.startVirtual("a", 150, often)
	a.wait(began, patience, "its addresses", is("address.added"))
	a.kill()
	began = time.Now()
	a = s.start("a", router{100, often, ""}) // now without a virtual MAC
	a.becomes("backup", began, patience)
	s.awaitLink("a", "vrrp.51", false, false)
	after := s.devices("a")
	for end := time.Now().Add(patience); after != before && time.Now().Before(end); after = s.devices("a") {
		time.Sleep(5 * time.Millisecond) // the settings are restored after the links
	}
	if after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// index returns the ifindex of a link.
func (s *site) index(host, name string) int {
	s.t.Helper()
	link, err := s.Host(host).Link(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return link.Index
}

// TestVirtualMACFollowsItsLink checks that the macvlan is down while the link below it cannot be
// used, and that the daemon restores a macvlan that was removed or set down.
func TestVirtualMACFollowsItsLink(t *testing.T) {
	t.Parallel()
	s := virtualSite(t, "a")
	began := time.Now()
	a := s.startVirtual("a", 150, often)
	a.wait(began, patience, "its addresses", is("address.added"))
	p := s.prober(inside)
	s.askVirtual(p)
	tap := s.tap("a")

	for name, lose := range map[string]func() func(){
		"pulled": func() func() { s.pull("a", inside); return func() { s.plug("a", inside) } },
		"set down": func() func() {
			c := s.Cable("a", "eth0")
			s.at(c.AdminDown())
			return func() { s.at(c.AdminUp()) }
		},
	} {
		at := time.Now()
		back := lose()
		a.becomes("fault", at, patience)
		s.awaitLink("a", "vrrp.51", true, false)
		silent := time.Now()
		back()
		moved := a.becomes("active", at, 40*time.Second)
		a.wait(moved.TS, patience, "its addresses", is("address.added"))
		s.silent("a, "+name, tap.Frames(), silent, moved.caused().Add(-5*time.Millisecond))
		s.askVirtual(p)
	}

	for _, does := range [][]string{{"link", "del", "vrrp.51"}, {"link", "del", "vrrp6.51"}, {"link", "set", "vrrp.51", "down"}, {"link", "set", "vrrp6.51", "down"}} {
		s.ip("a", does...)
		time.Sleep(50 * time.Millisecond)
		s.awaitLink("a", "vrrp.51", true, true)
		s.awaitLink("a", "vrrp6.51", true, true)
		time.Sleep(300 * time.Millisecond) // items that wait for their link are tried again every 250 ms
		s.askVirtual(p)
	}
	if st := a.state(); st != "active" {
		t.Errorf("it is %s", st)
	}
	s.checkAnnounced("a", tap.Frames())
}

// TestVirtualMACOnLateInterface deletes a link, and its macvlan with it: a new link with its name
// gets a macvlan again.
func TestVirtualMACOnLateInterface(t *testing.T) {
	t.Parallel()
	late := segment{name: "inside", ifname: "late0", vrid: 51, network: inside.network}
	s := newSiteOf(t, []segment{late}, lan.Port{Host: "a", Name: "eth0", Segment: "other"})
	yaml := router{150, often, "virtual_mac: true"}.yaml(s, s.socket("a")) + "links: {late0: {recovery: {wait: 0}}}\n"
	began := time.Now()
	a := s.startYAML("a", yaml)
	a.becomes("fault", began, patience)
	for range 2 {
		at := time.Now()
		s.ip("a", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
		s.ip("a", "address", "add", "192.0.2.11/24", "dev", "late0")
		s.ip("a", "link", "set", "late1", "up")
		s.ip("a", "link", "set", "late0", "up")
		a.becomes("active", at, patience)
		a.wait(at, patience, "its address", is("address.added"))
		s.awaitLink("a", "vrrp.51", true, true)
		at = time.Now()
		s.ip("a", "link", "del", "late0")
		a.becomes("fault", at, patience)
		s.awaitLink("a", "vrrp.51", false, false)
	}
}
