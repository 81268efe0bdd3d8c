package lab

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// asks sees that an address is answered by a host, or by nobody ("").
func (s *site) asks(p *lan.Prober, address, want string) {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Second); ; {
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

// Extra addresses, of either family, move with the advertised one, are
// announced, and are not in the adverts.
func TestExtraAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	stop, sniffer := s.capture("client", inside.ifname), s.sniff(inside)
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
	b.becomes("active", at, 2*time.Second)
	for _, address := range []string{"192.0.2.99", "2001:db8:51::9"} {
		s.asks(p, address, "b")
	}
	for _, x := range sniffer.Adverts() {
		if n := x.Message[3]; n != 1 {
			t.Fatalf("an advert of %d addresses, want only the advertised one", n)
		}
	}
	time.Sleep(500 * time.Millisecond) // the kernel gives a capture its frames in blocks
	path := stop()
	for _, host := range []string{"a", "b"} {
		mac := s.Cable(host, inside.ifname).MAC().String()
		if n := len(s.tshark(path, "eth.src == "+mac+" && arp.isgratuitous == 1 && arp.src.proto_ipv4 == 192.0.2.99")); n < 5 {
			t.Errorf("%s announced the IPv4 address %d times", host, n)
		}
		if n := len(s.tshark(path, "eth.src == "+mac+" && icmpv6.type == 136 && icmpv6.nd.na.target_address == 2001:db8:51::9 && eth.dst == 33:33:00:00:00:01")); n < 5 {
			t.Errorf("%s announced the IPv6 address %d times", host, n)
		}
	}
}
