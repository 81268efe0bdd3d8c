package neigh

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

var (
	watched        = []Set{{Instance: "a", Link: "eth0", Addresses: []Address{{Addr: vip4, Link: "eth0"}}}}
	before, during = time.Unix(99, 0), time.Unix(100, 0)
)

// stationsOf returns the empty stations of a Monitor for sets.
func stationsOf(sets ...Set) *stations { return NewMonitor(Config{Sets: sets}).cache.stations }

func sighting(a netip.Addr) Sighting {
	return Sighting{Index: eth0, Address: a, At: during}
}

// TestStationsRemember requires that the stations heard on a link are remembered, the last first
// and no more than maxStations; neither this router, nor one with the shared addresses.
func TestStationsRemember(t *testing.T) {
	s := stationsOf(watched...)
	s.notice(sighting(host4)) // the link is not known yet
	s.setLink(usable)
	for _, a := range []netip.Addr{
		own4, own6, vip4, netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("224.0.0.18"),
		netip.MustParseAddr("127.0.0.1"), {},
	} {
		s.notice(sighting(a))
	}
	s.notice(Sighting{Index: 99, Address: host4})
	_, whom := s.ask("eth0", during)
	expect(t, "whom to ask", whom, "[]")

	s.notice(sighting(host4))
	s.notice(sighting(host6))
	s.notice(sighting(host6.WithZone("eth0")))
	_, whom = s.ask("eth0", during)
	expect(t, "whom to ask", whom, "[fe80::12 192.0.2.12]")
	s.notice(sighting(host4))
	_, whom = s.ask("eth0", during)
	expect(t, "after it was heard again", whom, "[192.0.2.12 fe80::12]")

	a := netip.MustParseAddr("198.51.100.0")
	for range maxStations - 1 {
		a = a.Next()
		s.notice(sighting(a))
	}
	_, whom = s.ask("eth0", during)
	expect(t, "how many are remembered", len(whom), maxStations)
	expect(t, "the first and the last", fmt.Sprint(whom[0], whom[maxStations-1]), fmt.Sprint(a, host4))
	_, whom = s.ask("eth9", during)
	expect(t, "on another link", whom, "[]")
}

// TestStationsWithoutCarrier: the memory outlives the carrier. Without it no station is asked, but
// a station that was heard before the loss and is read later is recorded.
func TestStationsWithoutCarrier(t *testing.T) {
	s := stationsOf(watched...)
	s.setLink(usable)
	s.notice(sighting(host4))
	dead := usable
	dead.Usable = false
	s.setLink(dead)
	s.notice(sighting(host6))
	_, whom := s.ask("eth0", during)
	expect(t, "while it is out", whom, "[]")
	again := usable
	again.Index = eth0 + 1 // the link was made again
	s.setLink(again)
	link, whom := s.ask("eth0", during)
	expect(t, "after the return", whom, "[fe80::12 192.0.2.12]")
	expect(t, "its index", link.Index, eth0+1)
	again.LinkLocal6 = netip.Addr{}
	s.setLink(again)
	_, whom = s.ask("eth0", during)
	expect(t, "without an address to ask from", whom, "[192.0.2.12]")
}

// TestStationsAnswer: an answer counts if it comes after the question from one of the stations
// asked, and only the first one counts.
func TestStationsAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Sighting)
		want   bool
	}{
		{"an answer", func(*Sighting) {}, true},
		{"received before the question", func(s *Sighting) { s.At = before }, false},
		{"a question of theirs", func(s *Sighting) { s.Answer = false }, false},
		{"somebody who was not asked", func(s *Sighting) { s.Address = host4.Next() }, false},
		{"on another link", func(s *Sighting) { s.Index = 99 }, false},
	} {
		s := stationsOf(watched...)
		s.setLink(usable)
		s.notice(sighting(host4))
		answer := sighting(host4)
		answer.Answer = true
		if _, ok := s.notice(answer); ok {
			t.Errorf("%s: the answer counts before any question", tt.name)
		}
		s.ask("eth0", during)
		tt.change(&answer)
		link, got := s.notice(answer)
		if got != tt.want || got && link != "eth0" {
			t.Errorf("%s: %t for %q, want %t", tt.name, got, link, tt.want)
		}
		if _, again := s.notice(answer); again {
			t.Errorf("%s: the answer counts twice", tt.name)
		}
	}
	s := stationsOf(watched...)
	s.setLink(usable)
	s.notice(sighting(host4))
	s.ask("eth0", during)
	s.setLink(event.Link{Name: "eth0", Index: eth0})
	s.setLink(usable)
	if _, ok := s.notice(Sighting{Index: eth0, Address: host4, Answer: true, At: during}); ok {
		t.Error("a question from before the loss is answered after it")
	}
}

// TestManyNeighbors tests a kernel that knows sixty thousand neighbors, on a machine with a
// thousand links.
func TestManyNeighbors(t *testing.T) {
	var sets []Set
	for i := range 1000 {
		sets = append(sets, Set{Instance: fmt.Sprint(i), Link: fmt.Sprintf("v%d", i)})
	}
	s := stationsOf(sets...)
	for i := range sets {
		s.setLink(event.Link{Name: sets[i].Link, Index: i + 1, Usable: true})
	}
	begun := time.Now()
	for i := range 60_000 {
		s.notice(Sighting{Index: i%2000 + 1, Address: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
	}
	took := time.Since(begun)
	if t.Logf("recorded in %v", took); took > 500*time.Millisecond {
		t.Errorf("it took %v: is each link looked at for each neighbor?", took)
	}
	if n := len(s.links["v0"].known); n == 0 {
		t.Error("no station was recorded")
	}
	s.setLink(event.Link{Name: "v0"})
	if s.byIndex[1] != nil {
		t.Error("a link that is gone is still known by its index")
	}
}
