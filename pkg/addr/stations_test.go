package addr

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var (
	own4, own6     = netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::11")
	host4, host6   = netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("fe80::12")
	virtual        = netip.MustParseAddr("192.0.2.1")
	watched        = []Set{{Instance: "a", Link: "eth0", Addresses: []Address{{Prefix: netip.PrefixFrom(virtual, 24), Interface: "eth0"}}}}
	whole          = event.Link{Name: "eth0", Index: eth0, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 0x11}, Primary4: own4, LinkLocal6: own6}
	before, during = time.Unix(99, 0), time.Unix(100, 0)
)

func sighting(a netip.Addr) neigh.Sighting {
	return neigh.Sighting{Index: eth0, Address: a, At: during}
}

// Remembered is whoever was heard on a link, the last first and no more
// than stationsMax; not we ourselves, nor who has what we share.
func TestStationsRemember(t *testing.T) {
	s := newStations(watched)
	s.notice(sighting(host4)) // the link is not known yet
	s.see(whole)
	for _, a := range []netip.Addr{
		own4, own6, virtual, netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("224.0.0.18"),
		netip.MustParseAddr("127.0.0.1"), {},
	} {
		s.notice(sighting(a))
	}
	s.notice(neigh.Sighting{Index: 99, Address: host4})
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
	for range stationsMax - 1 {
		a = a.Next()
		s.notice(sighting(a))
	}
	_, whom = s.ask("eth0", during)
	expect(t, "how many are remembered", len(whom), stationsMax)
	expect(t, "the first and the last", fmt.Sprint(whom[0], whom[stationsMax-1]), fmt.Sprint(a, host4))
	_, whom = s.ask("eth9", during)
	expect(t, "on another link", whom, "[]")
}

// The memory outlives the carrier. Nobody is asked without it, but who was heard
// before it went is learned, though read later.
func TestStationsWithoutCarrier(t *testing.T) {
	s := newStations(watched)
	s.see(whole)
	s.notice(sighting(host4))
	dead := whole
	dead.Usable = false
	s.see(dead)
	s.notice(sighting(host6))
	_, whom := s.ask("eth0", during)
	expect(t, "while it is out", whom, "[]")
	again := whole
	again.Index = eth0 + 1 // it was made again
	s.see(again)
	link, whom := s.ask("eth0", during)
	expect(t, "after the return", whom, "[fe80::12 192.0.2.12]")
	expect(t, "its index", link.Index, eth0+1)
	again.LinkLocal6 = netip.Addr{}
	s.see(again)
	_, whom = s.ask("eth0", during)
	expect(t, "without an address to ask from", whom, "[192.0.2.12]")
}

// An answer is one that came after the question, from one of those who were
// asked, and only the first counts.
func TestStationsAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*neigh.Sighting)
		want   bool
	}{
		{"an answer", func(*neigh.Sighting) {}, true},
		{"received before the question", func(s *neigh.Sighting) { s.At = before }, false},
		{"a question of theirs", func(s *neigh.Sighting) { s.Answer = false }, false},
		{"somebody who was not asked", func(s *neigh.Sighting) { s.Address = host4.Next() }, false},
		{"on another link", func(s *neigh.Sighting) { s.Index = 99 }, false},
	} {
		s := newStations(watched)
		s.see(whole)
		s.notice(sighting(host4))
		answer := sighting(host4)
		answer.Answer = true
		if _, ok := s.notice(answer); ok {
			t.Errorf("%s: it counts before anybody was asked", tt.name)
		}
		s.ask("eth0", during)
		tt.change(&answer)
		link, got := s.notice(answer)
		if got != tt.want || got && link != "eth0" {
			t.Errorf("%s: %t for %q, want %t", tt.name, got, link, tt.want)
		}
		if _, again := s.notice(answer); again {
			t.Errorf("%s: it counts twice", tt.name)
		}
	}
	s := newStations(watched)
	s.see(whole)
	s.notice(sighting(host4))
	s.ask("eth0", during)
	s.see(event.Link{Name: "eth0", Index: eth0})
	s.see(whole)
	if _, ok := s.notice(neigh.Sighting{Index: eth0, Address: host4, Answer: true, At: during}); ok {
		t.Error("the question of before the loss is answered after it")
	}
}

// The worker asks whoever was noticed or sent adverts, and publishes one answer.
func TestWorkerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(1, Announce{})
		sets[0].Link = "eth0"
		r := newRig(t, sets)
		r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, At: time.Now()}
		r.heard.Publish(vrrp.Heard{Instance: "a", Source: host4.Next()})
		r.heard.Publish(vrrp.Heard{Instance: "elsewhere", Source: host4.Next().Next()})
		synctest.Wait()
		ask := func() {
			r.Do(Order{Kind: Ask, Links: []string{"eth0", "eth9"}})
			synctest.Wait()
		}
		var asked []string
		r.packets.hook = func() {}
		ask()
		expect(t, "questions", len(r.packets.take()), 2)
		answer := neigh.Sighting{Index: eth0, Address: host4.Next(), Answer: true, At: time.Now()}
		r.listener.seen <- answer
		r.listener.seen <- answer
		synctest.Wait()
		results, _ := r.forward.Take()
		for _, in := range results {
			f := in.(vrrp.Forwards)
			asked = append(asked, fmt.Sprint(f.Interface, " ", f.Cause.At.Equal(answer.At)))
		}
		expect(t, "results", asked, "[eth0 true]")
		expect(t, "stop", r.stop(), nil)
	})
}

// The memberships are reported ahead of the questions, and once more when one is
// answered; not where there is no carrier, nor of links whose adverts are unicast.
func TestWorkerReportsMemberships(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := append(many(1, Announce{}), many(1, Announce{})...)
		sets[1].Instance = "six"
		for i := range sets {
			sets[i].Link = "eth0"
		}
		sets[0].Group, sets[1].Group = wire.Group4, wire.Group6
		r := newRig(t, sets)
		link := whole
		link.HardwareAddr = [6]byte{2, 0, 0, 0, 0, 7}
		r.links.Publish(link)
		r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, Answer: false, At: time.Now()}
		synctest.Wait()
		r.packets.hook = func() {}
		frames := func() (all []string) {
			synctest.Wait()
			return append(all, r.packets.takeWhole()...)
		}
		var reports []string
		for _, b := range [][]byte{
			wire.AppendReport(nil, link.HardwareAddr, own4, wire.Group4), wire.AppendStateReport(nil, link.HardwareAddr, own4, wire.Group4),
			wire.AppendReport(nil, link.HardwareAddr, own6, wire.Group6), wire.AppendStateReport(nil, link.HardwareAddr, own6, wire.Group6),
		} {
			reports = append(reports, fmt.Sprintf("%x", b))
		}
		question := fmt.Sprintf("%x", wire.AppendARPRequest(nil, link.HardwareAddr, own4, host4))
		r.Do(Order{Kind: Ask, Links: []string{"eth0", "eth9"}})
		expect(t, "frames of an Ask", frames(), fmt.Sprint(append(reports[:4:4], question)))
		r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, Answer: true, At: time.Now()}
		expect(t, "after the answer", frames(), fmt.Sprint(reports))
		link.Usable = false
		r.links.Publish(link)
		r.Do(Order{Kind: Ask, Links: []string{"eth0"}})
		expect(t, "without carrier", frames(), "[]")
		expect(t, "stop", r.stop(), nil)
	})
}

// A kernel that knows sixty thousand neighbors, on a machine with a thousand links.
func TestManyNeighbors(t *testing.T) {
	var sets []Set
	for i := range 1000 {
		sets = append(sets, Set{Instance: fmt.Sprint(i), Link: fmt.Sprintf("v%d", i)})
	}
	s := newStations(sets)
	for i := range sets {
		s.see(event.Link{Name: sets[i].Link, Index: i + 1, Usable: true})
	}
	begun := time.Now()
	for i := range 60_000 {
		s.notice(neigh.Sighting{Index: i%2000 + 1, Address: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
	}
	took := time.Since(begun)
	if t.Logf("noticed in %v", took); took > 500*time.Millisecond {
		t.Errorf("it took %v: is each link looked at for each neighbor?", took)
	}
	if n := len(s.links["v0"].known); n == 0 {
		t.Error("nobody was noticed")
	}
	s.see(event.Link{Name: "v0"})
	if s.on(1) != nil {
		t.Error("a link that has gone has a segment")
	}
}
