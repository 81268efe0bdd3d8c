package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// asks waits until a host answers for an address, or until none does if want is empty.
func (s *site) asks(p *lan.Prober, address, want string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		mac, ok, err := p.Ask(netip.MustParseAddr(address), 100*time.Millisecond)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok == (want != "") && (!ok || mac == s.Cable(want, inside.ifname).MAC()) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("%s is answered by %v (%v), want %q", address, mac, ok, want)
			return
		}
	}
}

// reaches reports whether a host can reach an address: a closed port refuses the connection.
func (s *site) reaches(host, address string) (answered bool) {
	s.t.Helper()
	port := s.port(host, address)
	err := s.Host(host).Do(func() error {
		conn, err := net.DialTimeout("tcp", port, time.Second)
		answered = errors.Is(err, syscall.ECONNREFUSED)
		if err == nil {
			conn.Close()
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return answered
}

// port returns a closed port of an address, to connect to it from a host. The zone of a link-local
// address is the ifindex of the host's interface: Go caches the numbers of names for a minute, for
// all namespaces together.
func (s *site) port(host, address string) string {
	a, ifname, zoned := strings.Cut(address, "%")
	if zoned {
		a = fmt.Sprintf("%s%%%d", a, s.Cable(host, ifname).Index())
	}
	return net.JoinHostPort(a, "9")
}

// TestExtraAddresses checks that extra addresses of both families move with the advertised one, are
// announced, and are not in the adverts.
func TestExtraAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	recorder, sniffer := s.record(), s.sniff(inside)
	more := "extra_addresses: [192.0.2.99/24, 2001:db8:51::9/64]"
	began := time.Now()
	a := s.start("a", router{150, often, more})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, often, more})
	b.becomes("backup", began, 5*time.Second)
	p := s.prober(inside)
	for _, address := range []string{"192.0.2.1", "192.0.2.99", "2001:db8:51::9"} {
		s.asks(p, address, "a")
	}
	if got := a.status().Instances[0].ExtraAddresses; len(got) != 2 {
		t.Errorf("status: extra addresses %v", got)
	}
	at := a.signal(syscall.SIGTERM)
	b.becomes("active", at, patience)
	for _, address := range []string{"192.0.2.99", "2001:db8:51::9"} {
		s.asks(p, address, "b")
	}
	for _, x := range sniffer.Adverts() {
		if n := x.Message[3]; n != 1 {
			t.Fatalf("an advert of %d addresses, want only the advertised one", n)
		}
	}
	unannounced := func() (wrong []string) {
		frames := decode(t, recorder.Frames())
		for _, host := range []string{"a", "b"} {
			for _, address := range []string{"192.0.2.99", "2001:db8:51::9"} {
				k := announcements(address, s.Cable(host, inside.ifname).MAC().String())
				if n := count(frames, merged(k.pick, k.want)); n < k.least {
					wrong = append(wrong, fmt.Sprintf("%s announced %s %d times, want at least %d", host, address, n, k.least))
				}
			}
		}
		return wrong
	}
	wrong := unannounced()
	for deadline := time.Now().Add(patience); len(wrong) > 0 && time.Now().Before(deadline); {
		wrong = unannounced() // an address answers before it has been announced
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// TestRoutesMove checks that the routes and rules of the virtual router are on the Active, so that
// the client's connections through it move with it. They are removed before the addresses and added
// after them, also those of a killed run, and never those of others.
func TestRoutesMove(t *testing.T) {
	t.Parallel()
	port := func(host string, seg segment, n string) lan.Port {
		return lan.Port{Host: host, Name: seg.ifname, Segment: seg.name, Options: lan.Options{Addresses: lan.Addresses(seg.network + n + "/24")}}
	}
	s := newSiteOf(t, []segment{inside, outside}, port("a", inside, ".11"), port("a", outside, ".11"),
		port("b", inside, ".12"), port("b", outside, ".12"), port("client", inside, ".13"), port("far", outside, ".13"))
	// Behind far there is a network. Only the Active has a route to it.
	s.ip("far", "address", "add", "203.0.113.7/32", "dev", "lo")
	s.ip("far", "route", "add", "192.0.2.0/24", "via", "198.51.100.1")
	s.ip("client", "route", "add", "203.0.113.0/24", "via", "192.0.2.1")
	reaches := func() {
		t.Helper()
		if !s.reaches("client", "203.0.113.7") {
			t.Error("the client does not reach the network behind far")
		}
	}
	for _, host := range []string{"a", "b"} {
		s.command(host, "sysctl", "-qw", "net.ipv4.ip_forward=1")
		s.ip(host, "rule", "add", "from", "10.9.0.0/16", "lookup", "77", "priority", "499")
	}
	s.ip("a", "route", "add", "203.0.113.0/24", "via", "198.51.100.99", "proto", "static", "metric", "50")
	const more = `, routes: [{to: 203.0.113.0/24, interface: eth1, via: 198.51.100.13, source: 198.51.100.1},
      {to: default, interface: eth1, via: 198.51.100.13, table: 100}], rules: [{from: 192.0.2.0/24, table: 100, priority: 500}]`
	configure := func(host string, priority int) string {
		yaml := router{priority, often, ""}.yaml(s, s.socket(host))
		return strings.Replace(yaml, "addresses: [198.51.100.1/24]", "addresses: [198.51.100.1/24]"+more, 1)
	}
	routes := func(host string) (got string) {
		return s.ip(host, "route", "show", "proto", "112", "table", "all") + s.ip(host, "rule", "show", "table", "100")
	}
	holds := func(host string) bool {
		got := routes(host)
		return strings.Contains(got, "203.0.113.0/24 via 198.51.100.13 dev eth1 src 198.51.100.1") &&
			strings.Contains(got, "default via 198.51.100.13 dev eth1 table 100") && strings.Contains(got, "from 192.0.2.0/24 lookup 100")
	}
	ready := func(since time.Time) func(line) bool {
		return func(l line) bool { return l.Event == "route.added" && l.TS.After(since) }
	}
	began := time.Now()
	a := s.startYAML("a", configure("a", 150))
	a.wait(began, 5*time.Second, "its routes", ready(began.Round(0)))
	b := s.startYAML("b", configure("b", 100))
	b.becomes("backup", began, 5*time.Second)
	if !holds("a") || routes("b") != "" {
		t.Fatalf("a:\n%s\nb:\n%s\nwant all on a", routes("a"), routes("b"))
	}
	reaches()

	at := s.pull("a", inside)
	b.wait(at, patience, "its routes", ready(at.Round(0)))
	a.wait(at, patience, "their removal", is("route.removed"))
	for deadline := at.Add(4 * time.Second); routes("a") != "" && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // they go one after another
	}
	if !holds("b") || routes("a") != "" {
		t.Errorf("after the pull a:\n%s\nb:\n%s\nwant all on b", routes("a"), routes("b"))
	}
	reaches()
	b.kill()
	if !holds("b") {
		t.Fatal("a killed daemon leaves its routes; this one did not, and the test shows nothing")
	}
	at = time.Now()
	again := s.startYAML("b", configure("b", 99)) // with another configuration it adopts nothing
	again.wait(at, patience, "the removal of the leftovers", is("route.removed"))
	for deadline := at.Add(4 * time.Second); routes("b") != ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %s", routes("b"))
		}
	}
	if got := s.ip("a", "route"); !strings.Contains(got, "203.0.113.0/24 via 198.51.100.99 dev eth1 proto static metric 50") {
		t.Errorf("the administrator's route is gone:\n%s", got)
	}
	for _, host := range []string{"a", "b"} {
		if got := s.ip(host, "rule"); !strings.Contains(got, "from 10.9.0.0/16 lookup 77") {
			t.Errorf("%s: the administrator's rule is gone:\n%s", host, got)
		}
	}
}

// TestRoutesAreKept checks a route while the daemon holds it: others remove it, its interface is
// set down and up, its gateway is not valid.
func TestRoutesAreKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	s.ip("a", "link", "add", "other", "type", "veth", "peer", "name", "end")
	s.ip("a", "link", "set", "end", "up")
	s.ip("a", "link", "set", "other", "up")
	s.ip("a", "address", "add", "10.1.0.1/24", "dev", "other")
	began := time.Now()
	a := s.start("a", router{150, often, "routes: [{to: 10.2.0.0/16, via: 10.1.0.2, interface: other}, {to: 10.3.0.0/16, via: 10.8.0.1}]"})
	a.wait(began, 5*time.Second, "the refused route", func(l line) bool { return l.Event == "route.failed" && strings.Contains(l.Msg, "10.3.0.0/16") })
	a.wait(began, patience, "the other route", is("route.added"))

	restored := func(since time.Time) {
		t.Helper()
		a.wait(since, patience, "route.restored", is("route.restored"))
		if got := s.ip("a", "route"); !strings.Contains(got, "10.2.0.0/16 via 10.1.0.2 dev other proto 112") {
			t.Errorf("route.restored was logged, but the route is missing:\n%s", got)
		}
	}
	at := time.Now()
	s.ip("a", "route", "del", "10.2.0.0/16")
	restored(at)
	s.ip("a", "link", "set", "other", "down")
	if got := s.ip("a", "route"); strings.Contains(got, "10.2.0.0/16") {
		t.Fatal("the kernel keeps a route over a link that is down, and the test shows nothing")
	}
	a.wait(at, patience, "that the interface is down", func(l line) bool {
		return l.Event == "route.failed" && strings.Contains(l.Msg, "other is down")
	})
	at = time.Now()
	s.ip("a", "link", "set", "other", "up")
	restored(at)
	if st := a.state(); st != "active" {
		t.Errorf("it is %s, although a missing route is not a fault", st)
	}
	refusals := 0
	for _, l := range a.log(began) {
		if l.Event == "route.failed" && strings.Contains(l.Msg, "10.3.0.0/16") {
			refusals++
		}
	}
	if refusals != 1 {
		t.Errorf("the refused route was logged %d times", refusals)
	}
}

// TestAcceptFalse checks that with accept: false only neighbor discovery and ARP reach the
// addresses, that forwarding works, and that this remains so when the machine's own firewall is
// loaded again. The table of a crashed run is replaced.
func TestAcceptFalse(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside, outside}, "a")
	nft := program(t, "nft")
	s.command("a", "sysctl", "-qw", "net.ipv4.ip_forward=1")
	s.ip("a", "address", "add", "203.0.113.1/32", "dev", "lo")
	s.ip("client", "route", "add", "203.0.113.1/32", "via", "192.0.2.1")
	yaml := router{150, often, "accept: false"}.yaml(s, s.socket("a"))
	yaml = strings.Replace(yaml, "addresses: [192.0.2.1/24]", "addresses: [192.0.2.1/24], extra_addresses: [2001:db8:51::9/64, fe80::99/64]", 1)
	s.ip("client", "address", "add", "2001:db8:51::13/64", "dev", "eth0", "nodad")
	begin := func() *daemon {
		t.Helper()
		at := time.Now()
		a := s.startYAML("a", yaml)
		a.wait(at, 5*time.Second, "its addresses", func(l line) bool { return l.Event == "address.added" || l.Event == "group.adopted" })
		return a
	}
	a, p := begin(), s.prober(inside)
	check := func(when string) {
		t.Helper()
		for _, address := range []string{"192.0.2.1", "198.51.100.1", "2001:db8:51::9", "fe80::99%eth0"} {
			if s.reaches("client", address) {
				t.Errorf("%s: %s answers", when, address)
			}
		}
		for _, address := range []string{"192.0.2.1", "2001:db8:51::9", "fe80::99"} {
			s.asks(p, address, "a")
		}
		for _, address := range []string{"192.0.2.11", "203.0.113.1"} {
			if !s.reaches("client", address) {
				t.Errorf("%s: %s does not answer", when, address)
			}
		}
	}
	check("at first")
	for _, change := range []string{
		"flush ruleset",
		"add table inet x; delete table inet x; delete table inet ripcord", // one message about another table, one about ours
	} {
		s.command("a", nft, change)
		for deadline := time.Now().Add(10*time.Second + patience); strings.TrimSpace(s.command("a", nft, "list ruleset")) == ""; time.Sleep(often) {
			if time.Now().After(deadline) {
				t.Fatal("its rules are gone for good")
			}
		}
		check("after nft " + change)
	}
	a.wait(time.Time{}, patience, "that they answered", is("address.failed")) // once a minute
	a.kill()
	a = begin()
	check("after a crash")
	a.signal(syscall.SIGTERM)
	<-a.Exited
	if got := s.command("a", nft, "list ruleset"); strings.TrimSpace(got) != "" {
		t.Errorf("left behind: %s", got)
	}
}
