package lab

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// story is something that happens to the interface of an Active, by commands of
// ip on its host, and is undone.
type story struct {
	name    string
	on      shared
	ifname  string // of the instance: eth0 if empty
	first   string // before the daemon starts
	happens string
	undone  string
	reason  string        // of the fault, or which there may be; none: nothing moves
	event   string        // what the log says of the interface beside that
	atLeast time.Duration // before it is Active again
	mac     string        // of which the client learns
}

var stories = []story{
	{name: "moved to another namespace and back", on: insideIPv4, reason: eitherFirst, event: "link.removed",
		happens: "link set eth0 netns OTHER",
		undone:  "link set eth0 up; address add 192.0.2.11/24 dev eth0"},
	{name: "into a bridge and out", on: insideIPv4, reason: "enslaved", event: "link.down", first: "link add br0 type bridge; link set br0 up",
		happens: "link set eth0 master br0", undone: "link set eth0 nomaster"},
	{name: "a bridge whose port is taken out", on: insideIPv4, ifname: "br0", reason: "interface-down", event: "link.down",
		first: "link add br0 type bridge forward_delay 0; link set eth0 master br0; link set br0 up; " +
			"address flush dev eth0; address add 192.0.2.11/24 dev br0",
		happens: "link set eth0 nomaster", undone: "link set eth0 master br0"},
	{name: "macvlan, its parent set down", on: insideIPv4, ifname: "mv0", reason: "interface-down", event: "link.down",
		first: macvlan, happens: "link set eth0 down", undone: "link set eth0 up"},
	{name: "macvlan, its parent moved to another namespace and back", on: insideIPv4, ifname: "mv0", reason: "interface-down", event: "link.down",
		first: macvlan, happens: "link set eth0 netns OTHER", undone: "link set eth0 up"},
	{name: "address lost", on: insideIPv4, reason: "no-primary-ip-address",
		happens: "address del 192.0.2.11/24 dev eth0", undone: "address add 192.0.2.11/24 dev eth0"},
	{name: "link-local lost", on: insideIPv6, reason: "no-primary-ip-address",
		happens: "address del LINKLOCAL dev eth0", undone: "address add LINKLOCAL dev eth0 nodad"},
	{name: "link-local tentative", on: insideIPv6, reason: "no-primary-ip-address", atLeast: time.Second,
		first:   "SYSCTL accept_dad 1; SYSCTL dad_transmits 1",
		happens: "address del LINKLOCAL dev eth0", undone: "address add LINKLOCAL dev eth0"},
	{name: "IPv6 addresses gone with an admin down", on: insideIPv6, reason: eitherFirst, event: "link.down",
		happens: "link set eth0 down", undone: "link set eth0 up"},
	{name: "IPv6 turned off", on: insideIPv6, reason: "no-primary-ip-address",
		happens: "SYSCTL disable_ipv6 1", undone: "SYSCTL disable_ipv6 0"},
	{name: "another MTU", on: insideIPv4, happens: "link set eth0 mtu 1400", undone: "link set eth0 mtu 1500"},
	{name: "another MAC", on: insideIPv4, happens: "link set eth0 address 02:00:00:00:77:01", undone: "link set eth0 address 02:00:00:00:77:02",
		mac: "02:00:00:00:77:01"},
}

// eitherFirst are the possible reasons if an address is removed together with its interface: the
// kernel reports the two on two sockets.
const eitherFirst = "interface-down, no-primary-ip-address"

const macvlan = "address flush dev eth0 scope global; link add mv0 link eth0 type macvlan mode private; link set mv0 up; address add 192.0.2.11/24 dev mv0"

// TestInterfaceStories changes the interface of an Active in many ways: no change ends the daemon,
// the log has the reason of each, and the addresses exist again when the change is undone.
func TestInterfaceStories(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.play(t)
		})
	}
}

func (y story) play(t *testing.T) {
	const interval = 100 * time.Millisecond
	address := lan.Addresses(fmt.Sprintf(y.on.hosts, 11))
	s := newSiteOf(t, []segment{inside},
		lan.Port{Host: "a", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: address}},
		lan.Port{Host: "client", Name: "eth0", Segment: "inside", Options: lan.Options{Addresses: lan.Addresses("192.0.2.99/24")}},
		lan.Port{Host: "other", Name: "eth9", Segment: "elsewhere"})
	on := y.on
	if y.ifname != "" {
		on.ifname = y.ifname
	}
	s.commands("a", y.first)
	d := s.startYAML("a", fmt.Sprintf("log: {level: debug}\ncontrol: {socket: %s}\nlinks: {default: {recovery: {wait: 0}}}\n"+
		"instances:\n  - {name: inside, interface: %s, vrid: 51, priority: 150, interval: %v, addresses: [%s]}\n",
		s.socket("a"), on.ifname, interval, strings.Join(quoted(on.virtual), ", ")))
	d.becomes("active", time.Time{}, 5*time.Second)
	s.standing(on)
	s.lladdr("02:00:00:00:00:99") // the client knows a wrong one

	at := time.Now()
	s.commands("a", y.happens)
	if y.reason == "" {
		if y.mac != "" {
			s.knows(y.mac)
		}
		time.Sleep(5 * interval)
		s.commands("a", y.undone)
		time.Sleep(5 * interval)
		if moves := d.moves(at); len(moves) != 0 {
			t.Errorf("it became %s: %s", moves[0].To, moves[0].Reason)
		}
		s.standing(on)
		return
	}
	if l := d.becomes("fault", at, patience); !strings.Contains(y.reason, l.Reason) {
		t.Errorf("in Fault for %s, want %s: %s", l.Reason, y.reason, l.Msg)
	}
	if y.event != "" {
		d.wait(at, patience, y.event+" of "+on.ifname, func(l line) bool { return l.Event == y.event && l.Interface == on.ifname })
	}
	at = time.Now()
	if strings.Contains(y.happens, "OTHER") {
		s.ip("other", "link", "set", "eth0", "netns", fmt.Sprint(d.Command.Process.Pid))
	}
	s.commands("a", y.undone)
	l := d.becomes("active", at, 5*time.Second)
	if l.TS.Sub(at.Round(0)) < y.atLeast {
		t.Errorf("Active %v after it was undone, want at least %v", l.TS.Sub(at.Round(0)), y.atLeast)
	}
	s.standing(on)
	d.never(l.caused(), "advert.failed") // no source that may not be used yet
}

// never fails the test if the daemon has logged such an event.
func (d *daemon) never(since time.Time, event string) {
	d.t.Helper()
	for _, l := range d.log(since) {
		if l.Event == event {
			d.t.Errorf("%s: %s", event, l.Msg)
		}
	}
}

// commands runs commands of ip, with a ; between them. SYSCTL sets one of eth0's
// for IPv6, OTHER is another namespace, LINKLOCAL the address made of a's MAC.
func (s *site) commands(host, list string) {
	s.t.Helper()
	for command := range strings.SplitSeq(list, ";") {
		words := strings.Fields(command)
		if len(words) == 0 {
			continue
		}
		if words[0] == "SYSCTL" {
			if err := s.Host(host).SetSysctl("net/ipv6/conf/eth0/"+words[1], words[2]); err != nil {
				s.t.Fatal(err)
			}
			continue
		}
		for i, w := range words {
			switch w {
			case "OTHER":
				words[i] = fmt.Sprint(s.resident("other"))
			case "LINKLOCAL":
				words[i] = "fe80::ff:fe00:101/64"
			}
		}
		s.ip(host, words...)
	}
}

// resident is the pid of a process on a host, by which ip names its namespace.
func (s *site) resident(host string) int {
	s.t.Helper()
	sleep := exec.Command("sleep", "60")
	if err := s.Host(host).Start(sleep); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = sleep.Wait() }() // it goes with the LAN
	return sleep.Process.Pid
}

// standing waits until all shared addresses stand on the interface.
func (s *site) standing(on shared) {
	s.t.Helper()
	var shown string
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		shown = s.ip("a", "-o", "address", "show", "dev", on.ifname)
		missing := false
		for _, v := range on.virtual {
			missing = missing || !strings.Contains(shown, " "+v+" ")
		}
		if !missing {
			return
		}
	}
	s.t.Errorf("%v do not stand on %s:\n%s", on.virtual, on.ifname, shown)
}

// lladdr makes the client believe that the shared IPv4 address is at a MAC.
func (s *site) lladdr(mac string) {
	s.t.Helper()
	s.ip("client", "neigh", "replace", inside.virtual().String(), "lladdr", mac, "nud", "stale", "dev", "eth0")
}

// knows waits until the client has learned that it is at a MAC.
func (s *site) knows(mac string) {
	s.t.Helper()
	var shown string
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		if shown = s.ip("client", "neigh", "show", inside.virtual().String()); strings.Contains(shown, mac) {
			return
		}
	}
	s.t.Errorf("the client received no announcement of %s: %s", mac, shown)
}
