package lab

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestWhatTheKernelRefuses uses an address that both kernels reject, since its scope differs from
// that of others in the subnet: each router makes one transition. After that none changes state
// until an address of the link changes, and the accepted addresses are served at all times.
func TestWhatTheKernelRefuses(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const keys = "addresses: [192.0.2.1/24, {address: 192.0.2.2/24, scope: link}], routes: [{to: 203.0.113.0/24, via: 192.0.2.77}]"
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	a := s.instance("a", 150, keys)
	a.becomes("active", began, patience)
	b := s.instance("b", 100, keys)
	a.wait(began, patience, "that it is impaired", is("instance.impaired"))
	if !a.lacks("192.0.2.2/24") || a.lacks("203.0.113.0") {
		t.Errorf("a lacks %v", a.status().Instances[0].Missing)
	}
	b.becomes("active", began, patience)
	b.wait(began, patience, "that b is impaired too", is("instance.impaired"))
	until(t, patience, "one to be Active", func() bool { return (a.state() == "active") != (b.state() == "active") })
	w := s.watch(inside, 20*time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	rest := time.Now()
	time.Sleep(13 * time.Second) // the first hold-off is 10 s
	s.bounded(rest, 0)
	s.uninterrupted(w, rest)
	holder, other := "b", a
	if a.state() == "active" {
		holder, other = "a", b
	}
	if routes := s.ip(holder, "route"); !strings.Contains(routes, "203.0.113.0/24 via 192.0.2.77") {
		t.Errorf("%s has not the route:\n%s", holder, routes)
	}
	if text := s.ip(holder, "address"); !strings.Contains(text, "192.0.2.1/24") || strings.Contains(text, "192.0.2.2/24") {
		t.Errorf("%s holds:\n%s", holder, text)
	}

	s.ip(other.name, "address", "add", "198.51.100.77/24", "dev", "eth0")
	until(t, patience, "the other one to try again", func() bool { return !other.lacks("192.0.2.2/24") })
}

const withStatic = `control: {socket: SOCKET}
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: 100, interval: 200ms, startup_delay: 1h, addresses: [192.0.2.1/24]}
`

const staticPart = `static:
  addresses: [{address: 192.0.2.40/24, interface: eth0}]
  routes: [{to: 203.0.113.0/24, via: 192.0.2.77, metrics: {mtu: 1400}}, {to: 198.51.100.0/24, nexthops: [{via: 192.0.2.77}, {via: 192.0.2.78, weight: 2}]}]
  rules: [{from: 192.0.2.40/32, dport: 80-90, ipproto: tcp, table: 100, priority: 500}]
`

// TestStatic checks that static addresses exist while the router is Backup, are added again if
// removed, follow a reload, are taken over from a killed run, and are removed when the daemon ends.
func TestStatic(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	without := strings.Replace(withStatic, "SOCKET", s.socket("a"), 1)
	stands := func() (n int) {
		text := s.ip("a", "address") + s.ip("a", "route") + s.ip("a", "rule")
		for _, part := range []string{"192.0.2.40/24", "203.0.113.0/24 via 192.0.2.77 dev eth0 proto 112 mtu 1400", "nexthop via 192.0.2.78 dev eth0 weight 2", "ipproto tcp dport 80-90 lookup 100"} {
			if strings.Contains(text, part) {
				n++
			}
		}
		return n
	}
	became := func(what string, want int) {
		t.Helper()
		until(t, patience, what, func() bool { return stands() == want })
	}
	began := time.Now()
	a := s.startYAML("a", without+staticPart)
	a.becomes("backup", began, patience)
	became("what is static to stand", 4)
	if n := a.count(began, func(l line) bool { return l.Level == "error" }); n > 0 {
		t.Errorf("%d lines at level error", n)
	}
	s.ip("a", "address", "del", "192.0.2.40/24", "dev", "eth0")
	s.ip("a", "route", "del", "203.0.113.0/24")
	became("it to be put back", 4)

	a.kill()
	began = time.Now()
	a = s.startYAML("a", without+staticPart)
	a.becomes("backup", began, patience)
	became("it to stand after a crash", 4)
	config := filepath.Join(s.Dir, "a.yaml")
	reload := func(yaml string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		a.signal(syscall.SIGHUP)
	}
	reload(without)
	became("it to go", 0)
	reload(without + staticPart)
	became("it to come back", 4)
	if _, err := a.End(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	became("it to go with the daemon", 0)
}
