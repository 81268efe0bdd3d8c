package lab

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestUnicast runs two routers that exchange adverts by unicast: one is Active, nothing is sent to
// the multicast group, and a pulled cable, a resignation and a return have the same effects as with
// multicast. A third router that is not a peer, with a higher priority, is not heard.
func TestUnicast(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, f := range []struct {
		name   string
		prefix string // of the routers' own addresses
		shared string
		group  string
		chosen bool // the source is not configured
	}{
		{"IPv4", "192.0.2.", "192.0.2.1/24", "224.0.0.18", false},
		{"IPv6", "fe80::", "fe80::1/64", "ff02::12", false},
		{"IPv6 between global addresses", "2001:db8:51::", "2001:db8:51::1/64", "ff02::12", true},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			const interval = 100 * time.Millisecond
			s := newSite(t, []segment{inside}, "a", "b", "stranger")
			own := map[string]string{}
			for i, host := range []string{"a", "b", "stranger"} {
				own[host] = fmt.Sprintf("%s%d", f.prefix, 11+i)
				if f.group == "ff02::12" {
					s.ip(host, "addr", "add", own[host]+"/64", "dev", inside.ifname, "nodad")
				}
			}
			start := func(host, peer string, priority int) *daemon {
				source := fmt.Sprintf("source: %q", own[host])
				if f.chosen {
					source = ""
				}
				return s.startYAML(host, fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
instances:
  - name: inside
    interface: eth0
    vrid: 51
    priority: %d
    interval: %v
    %s
    unicast: {peers: ["%s"]}
    addresses: ["%s"]
`, s.socket(host), priority, interval, source, own[peer], f.shared))
			}
			sniffer := s.sniff(inside)
			began := time.Now()
			a := start("a", "b", 150)
			a.becomes("active", began, 8*time.Second)
			b := start("b", "a", 100)
			b.becomes("backup", began, 5*time.Second)
			time.Sleep(2 * downInterval(100, interval))
			if b.state() != "backup" {
				t.Fatalf("b does not hear a: it is %s", b.state())
			}

			// It sends to a, believes that it is alone, and a believes nothing of it.
			since := time.Now()
			stranger := start("stranger", "a", 200)
			stranger.becomes("active", since, 8*time.Second)
			a.wait(since, patience, "that the stranger is no peer", func(l line) bool {
				return l.Event == "advert.rejected" && l.Reason == "not-a-peer"
			})
			stranger.kill()

			at := s.pull("a", inside)
			b.becomes("active", at, patience)
			back := s.plug("a", inside)
			a.becomes("active", back, 10*time.Second)
			b.becomes("backup", back, 10*time.Second)
			stopped := a.signal(syscall.SIGTERM)
			moved := b.becomes("active", stopped, patience)
			if moved.Reason != "peer-resigned" {
				t.Errorf("b is active for %q, want peer-resigned", moved.Reason)
			}
			heard := map[string]int{}
			for _, x := range sniffer.Adverts() {
				heard[x.Host+" to "+x.Destination.String()]++
				if x.HopLimit != 255 {
					t.Errorf("an advert left with hop limit %d", x.HopLimit)
				}
			}
			t.Logf("adverts: %v", heard)
			for host, peer := range map[string]string{"a": "b", "b": "a"} {
				if heard[host+" to "+own[peer]] == 0 || heard[host+" to "+f.group] > 0 {
					t.Errorf("%s sent %v", host, heard)
				}
			}
			if len(a.moves(since)) != 3+1 { // fault, backup, active; initialize
				t.Errorf("a moved %d times since the stranger came", len(a.moves(since)))
			}
		})
	}
}

// TestUnicastBesideMulticast runs a router with `unicast` and one without: both are Active. The first
// one rejects the adverts of the other. The second one receives none, and has only the warning that
// the first one answers for its address.
func TestUnicastBesideMulticast(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, f := range []struct{ name, a, b, shared string }{
		{"IPv4", "192.0.2.11", "192.0.2.12", "192.0.2.1/24"},
		{"IPv6", "fe80::11", "fe80::12", "fe80::1/64"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a", "b")
			if f.name == "IPv6" {
				s.ip("a", "addr", "add", f.a+"/64", "dev", inside.ifname, "nodad")
				s.ip("b", "addr", "add", f.b+"/64", "dev", inside.ifname, "nodad")
			}
			start := func(host, own, unicast string) *daemon {
				return s.startYAML(host, fmt.Sprintf("control: {socket: %s}\n"+
					"instances: [{name: inside, interface: eth0, vrid: 51, interval: %v, source: %q, addresses: [%q]%s}]\n",
					s.socket(host), often, own, f.shared, unicast))
			}
			began := time.Now()
			a := start("a", f.a, fmt.Sprintf(", unicast: {peers: [%q]}", f.b))
			a.becomes("active", began, 8*time.Second)
			b := start("b", f.b, "")
			b.becomes("active", began, 8*time.Second)
			want := fmt.Sprintf("from %s, which sends by multicast, not by unicast (not-unicast)", f.b)
			if text := a.warned("rejected-adverts", true, patience); !strings.Contains(text, want) {
				t.Errorf("a warns: %s", text)
			}
			b.warned("address-conflict", true, 10*time.Second)
			b.never(began, "advert.rejected")
		})
	}
}

// TestSourceLost removes and adds the source address of the adverts: its absence is a fault,
// although the link has another address.
func TestSourceLost(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a")
	s.ip("a", "addr", "add", "192.0.2.111/24", "dev", inside.ifname)
	began := time.Now()
	sniffer := s.sniff(inside)
	a := s.start("a", router{150, interval, "source: 192.0.2.111"})
	a.becomes("active", began, 5*time.Second)
	if _, err := sniffer.WaitAdvert(patience, func(x lan.Advert) bool { return x.Source.String() == "192.0.2.111" }); err != nil {
		t.Error(err)
	}
	gone := time.Now()
	s.ip("a", "addr", "del", "192.0.2.111/24", "dev", inside.ifname)
	fault := a.becomes("fault", gone, patience)
	if fault.Reason != "no-primary-ip-address" {
		t.Errorf("a is in fault for %q", fault.Reason)
	}
	back := time.Now()
	s.ip("a", "addr", "add", "192.0.2.111/24", "dev", inside.ifname)
	a.becomes("active", back, patience)
}

// TestSourceNotTracked checks a source address that is not tracked and not on the machine: the
// router is Active nevertheless, and the other one hears it, also while the address is added and
// removed.
func TestSourceNotTracked(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	sniffer := s.sniff(inside)
	a := s.start("a", router{150, interval, "source: 192.0.2.111, track_source: false"})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, ""})
	b.becomes("backup", began, 5*time.Second)
	for _, change := range []string{"add", "del"} {
		time.Sleep(downInterval(100, interval))
		s.ip("a", "addr", change, "192.0.2.111/24", "dev", inside.ifname)
	}
	time.Sleep(2 * downInterval(100, interval))
	if len(a.moves(began)) != 2 || len(b.moves(began)) != 1 {
		t.Errorf("a moved %d times, b %d times", len(a.moves(began)), len(b.moves(began)))
	}
	own := s.Cable("a", inside.ifname).MAC()
	for _, x := range sniffer.Adverts() {
		if x.Host == "a" && (x.Source.String() != "192.0.2.111" || x.MAC != own || x.HopLimit != 255) {
			t.Fatalf("an advert left from %v, %v, with TTL %d", x.Source, x.MAC, x.HopLimit)
		}
	}
}

// TestOwnPeer checks that check warns if the only peer of a router is the router itself, and that
// the log and status report a peer that becomes the router itself while the daemon runs.
func TestOwnPeer(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	own := s.configure("own", `instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24], unicast: {peers: [192.0.2.11]}}]`)
	if got := s.ripcord("a", "check", "--config", own); got.code != 0 || !strings.Contains(got.err, "192.0.2.11 is an address of this machine") {
		t.Errorf("check: exit %d, want 0: %s", got.code, got.err)
	}
	began := time.Now()
	a := s.start("a", router{150, 100 * time.Millisecond, "unicast: {peers: [192.0.2.77, 192.0.2.78]}"})
	a.becomes("active", began, 5*time.Second)
	at := time.Now()
	s.ip("a", "addr", "add", "192.0.2.77/24", "dev", inside.ifname)
	a.wait(at, patience, "that a peer is its own", func(l line) bool {
		return l.Event == "instance.warning" && l.Reason == "own-peer" && l.Level == "error"
	})
	if w := a.status().Instances[0].Warnings; len(w) != 1 || w[0].Reason != "own-peer" {
		t.Errorf("status shows the warnings %+v", w)
	}
	gone := time.Now()
	s.ip("a", "addr", "del", "192.0.2.77/24", "dev", inside.ifname)
	a.wait(gone, patience, "that it is over", func(l line) bool { return l.Event == "instance.warning" && l.Level == "info" })
}

// TestUnicastPeerRefused: the firewall of the preferred router drops its adverts to one of
// two peers, the one that is there. That the other's always leave does not hide it.
func TestUnicastPeerRefused(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b", "c")
	began := time.Now()
	a := s.start("a", router{150, interval, "unicast: {peers: [192.0.2.12, 192.0.2.13]}"})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, "unicast: {peers: [192.0.2.11, 192.0.2.13]}"})
	b.becomes("backup", began, 5*time.Second)
	at := time.Now()
	s.command("a", program(t, "nft"), "add table inet lab; add chain inet lab vrrp { type filter hook output priority 0; }; "+
		"add rule inet lab vrrp ip daddr 192.0.2.12 meta l4proto 112 drop")
	b.becomes("active", at, patience)
	if fault := a.becomes("fault", at, patience); fault.Reason != "send-failed" {
		t.Errorf("a is in fault for %q", fault.Reason)
	}
	gave := a.wait(at, patience, "that it gave the address up", is("address.removed"))
	time.Sleep(time.Until(gave.TS.Add(12 * time.Second)))
	if moves := a.moves(gave.TS); len(moves) != 0 || b.state() != "active" {
		t.Errorf("a moved %d times; b is %s", len(moves), b.state())
	}
	gone := time.Now()
	s.command("a", program(t, "nft"), "delete table inet lab")
	a.becomes("active", gone, 25*time.Second)
	b.becomes("backup", gone, patience)
}
