package advert

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestAcceptUnicast: who sent it and from how far counts where peers are
// configured, and elsewhere that it was sent to the group.
func TestAcceptUnicast(t *testing.T) {
	single, many := virtual4(), virtual4()
	single.Unicast = vrrp.Unicast{Peers: []netip.Addr{peer4}, TTL: 255, MinTTL: 250}
	near := virtual4()
	near.Unicast = vrrp.Unicast{Peers: []netip.Addr{peer4}, TTL: 255, MinTTL: 255}
	other := netip.MustParseAddr("192.0.2.3")
	for _, c := range []struct {
		name         string
		in           vrrp.Instance
		source, dest netip.Addr
		ttl          uint8
		reason       wire.Reason
		counts       string
	}{
		{"a peer", single, peer4, own4, 255, "", "advertisement_rcvd=1"},
		{"a peer, at the limit", single, peer4, own4, 250, "", "advertisement_rcvd=1"},
		{"a peer, from too far", single, peer4, own4, 249, wire.IPTTLError, "ip_ttl_errors=1"},
		{"a peer that sends to the group", single, peer4, wire.Group4, 255, "", "advertisement_rcvd=1"},
		{"not a peer", single, other, own4, 255, wire.NotAPeer, "peer_errors=1"},
		{"not a peer, to the group", single, other, wire.Group4, 255, wire.NotAPeer, "peer_errors=1"},
		{"the segment only", near, peer4, own4, 254, wire.IPTTLError, "ip_ttl_errors=1"},
		{"multicast", many, peer4, wire.Group4, 255, "", "advertisement_rcvd=1"},
		{"multicast, sent to us alone", many, peer4, own4, 255, wire.NotMulticast, "peer_errors=1"},
		{"multicast, from afar", many, peer4, wire.Group4, 250, wire.IPTTLError, "ip_ttl_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.in)
			a := advert4()
			a.Checksum = wire.MessageOnly
			p := Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(c.source, c.dest, c.ttl, a.Append(nil, c.source, c.dest))}
			v := b.Accept(&p, t0)
			var reason wire.Reason
			for _, e := range v.Events {
				if r, ok := e.(event.AdvertRejected); ok {
					reason = wire.Reason(r.Reason)
				}
			}
			if v.Valid != (c.reason == "") || reason != c.reason {
				t.Errorf("valid %v, reason %q, want %q", v.Valid, reason, c.reason)
			}
			want := c.counts
			if c.reason == "" {
				want += " checksum_message_only=1"
			}
			if got := counters(b.stats["v4"]); got != want {
				t.Errorf("counters %s, want %s", got, want)
			}
		})
	}
}

// TestAcceptHearsOwnersEarly: what comes from a shared address counts where it was
// heard before the kernel could drop it, all else where it was heard after; the
// other copy is ignored without a word.
func TestAcceptHearsOwnersEarly(t *testing.T) {
	for _, c := range []struct {
		name   string
		source netip.Addr
		early  bool
		valid  bool
	}{
		{"a router's own address", peer4, false, true},
		{"the same, early", peer4, true, false},
		{"the owner", vip4, true, true},
		{"the same, as the raw socket has it", vip4, false, false},
	} {
		b := newBench(virtual4())
		a := advert4()
		p := Packet{Interface: "eth0", Family: event.IPv4, Early: c.early, At: t0, Data: ipv4(c.source, wire.Group4, 255, a.Append(nil, c.source, wire.Group4))}
		v := b.Accept(&p, t0)
		want := ""
		if c.valid {
			want = "advertisement_rcvd=1 checksum_pseudo_header=1"
		}
		if got := counters(b.stats["v4"]); v.Valid != c.valid || v.Rejected || len(v.Events) != 0 || got != want {
			t.Errorf("%s: %+v, counters %q", c.name, v, got)
		}
	}
}

// TestAcceptOwnerHearsNobodyEarly: there is one owner, so nobody else's adverts
// come from the addresses of one.
func TestAcceptOwnerHearsNobodyEarly(t *testing.T) {
	owner := virtual4()
	owner.Priority = vrrp.Owner
	for _, early := range []bool{false, true} {
		b, a := newBench(owner), advert4()
		p := Packet{Interface: "eth0", Family: event.IPv4, Early: early, At: t0, Data: ipv4(vip4, wire.Group4, 255, a.Append(nil, vip4, wire.Group4))}
		if v := b.Accept(&p, t0); v.Valid == early {
			t.Errorf("early %v: %+v", early, v)
		}
	}
}

// TestSourcesAreOurs: what a link bears as the source of one instance is our own
// advert when it is heard on it.
func TestSourcesAreOurs(t *testing.T) {
	b := newBench(virtual4())
	b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, Sources: &[]netip.Prefix{netip.PrefixFrom(peer4, 24)}})
	p := packet4(advert4())
	if v := b.Accept(&p, t0); v.Valid || counters(b.stats["v4"]) != "" {
		t.Errorf("our own advert was judged: %+v", v)
	}
}

// pairwise is an order for an instance with two peers.
func pairwise(name string) Order {
	o := start(name, sec)
	o.Advert.Copies = []Copy{
		{To: peer4, Advert: []byte(name + "1"), Resign: []byte("resign " + name + "1")},
		{To: own4, Advert: []byte(name + "2"), Resign: []byte("resign " + name + "2")},
	}
	return o
}

func TestPlanSendsEachPeerItsCopy(t *testing.T) {
	s := newScript(t)
	s.want(s.at(0, pairwise("a"), start("b", sec)), "first:a1, first:a2, first:b")
	s.want(s.at(sec), "repeat:a1, repeat:a2, repeat:b")
	s.want(s.at(1500*ms, order(Now, "a")), "repeat:a1, repeat:a2")
	s.want(s.at(1600*ms, order(Now, "a"), order(Mute, "a")), "")
	s.want(s.at(1700*ms, pairwise("a")), "first:a1, first:a2")
	s.want(s.at(1800*ms, order(Resign, "a")), "resign:resign a1, resign:resign a2")
}

// TestSettleCopies: each peer counts for itself, since the best of them says nothing
// of the others; the first advert is sent when one has it.
func TestSettleCopies(t *testing.T) {
	plan := NewPlan(nil)
	for i, step := range []struct {
		fail     [2]bool
		occasion Occasion
		before   [2]int
		now      [2]int
	}{
		{[2]bool{true, true}, First, [2]int{0, 0}, [2]int{1, 1}},
		{[2]bool{true, true}, First, [2]int{1, 1}, [2]int{2, 2}},
		{[2]bool{true, false}, First, [2]int{2, 2}, [2]int{3, 0}},
		{[2]bool{true, false}, Repeat, [2]int{3, 0}, [2]int{4, 0}},
		{[2]bool{false, true}, Repeat, [2]int{4, 0}, [2]int{0, 1}},
		{[2]bool{false, false}, Repeat, [2]int{0, 1}, [2]int{0, 0}},
	} {
		at := t0.Add(time.Duration(i) * sec)
		var orders []Given
		if i == 0 {
			orders = []Given{{pairwise("a"), t0}}
		}
		batch := plan.Turn(at, at, orders).Batch
		if len(batch) != 2 {
			t.Fatalf("step %d: %d messages", i, len(batch))
		}
		for c := range batch {
			if step.fail[c] {
				batch[c].Err = errors.New("refused")
			}
		}
		for c, got := range outcomes(plan) {
			want := Outcome{Before: step.before[c], Now: step.now[c], Miss: 3, Last: c == 1, Taken: !step.fail[0] || c == 1 && !step.fail[1]}
			if got != want || batch[c].Occasion != step.occasion {
				t.Errorf("step %d, copy %d: %v %+v, want %v %+v", i, c, batch[c].Occasion, got, step.occasion, want)
			}
		}
	}
}

// TestPlanProbes: a probe is one advert, and nothing follows; it counts as any other
// for the peers, and is no first advert. One that is advertised needs none.
func TestPlanProbes(t *testing.T) {
	s := newScript(t)
	probe := pairwise("a")
	probe.Kind = Probe
	turn := s.plan.Turn(t0, t0, []Given{{probe, t0}})
	turn.Batch[1].Err = errors.New("refused")
	outcomes(s.plan)
	got := s.plan.Probed(&turn.Batch[1], event.Cause{})
	if len(turn.Batch) != 2 || turn.Batch[0].Occasion != Trial || len(got.Refused) != 1 || got.Refused[0] != own4 {
		t.Errorf("%d messages, %v: %+v", len(turn.Batch), turn.Batch[0].Occasion, got)
	}
	s.wantNext(0, -1)
	s.want(s.at(sec, order(Resign, "a")), "")
	s.want(s.at(2*sec, pairwise("a")), "first:a1, first:a2")
	s.want(s.at(2500*ms, probe), "")
	s.want(s.at(3*sec), "repeat:a1, repeat:a2")
}
