package doctor

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var (
	mac2    = [6]byte{2, 0, 0, 0, 0, 2}
	source4 = netip.MustParseAddr("192.0.2.12")
	source6 = netip.MustParseAddr("fe80::12")
	shared4 = netip.MustParseAddr("192.0.2.1")
	shared6 = netip.MustParseAddr("fe80::51")
)

// advertFrame returns the frame of an advert, signed by key 1 if key is not nil.
func advertFrame(ad wire.Advert, source netip.Addr, key []byte, at time.Time) []byte {
	message := ad.Append(nil, source, wire.GroupOf(event.FamilyOf(source)))
	if key != nil {
		message = append(message, make([]byte, wire.TrailerLen)...)
		wire.NewKey(1, wire.NewSecret(key)).Sign(message, source, wire.SequenceAt(at))
		wire.Cover(message, source, wire.GroupOf(event.FamilyOf(source)))
	}
	return append(wire.AppendHeaders(nil, mac2, source, wire.GroupOf(event.FamilyOf(source)), len(message)), message...)
}

// TestFrames tests the facts from single frames.
func TestFrames(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	plan := well().Plan
	plan.Groups[0].Members[0].HMAC = &vrrp.HMAC{Keys: map[uint8]wire.Secret{1: wire.NewSecret(key)}, Window: time.Second}
	ad := wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{shared4}}
	six := wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{shared6}}
	resigned := ad
	resigned.Priority = 0
	now := time.Now()
	frames := func(all ...[]byte) [][]byte { return all }
	far := advertFrame(ad, source4, nil, now)
	far[22]-- // the TTL
	for name, c := range map[string]struct {
		frames [][]byte
		check  func(h *heard) bool
	}{
		"over IPv4": {frames(advertFrame(ad, source4, nil, now), advertFrame(ad, source4, nil, now)), func(h *heard) bool {
			r := h.routers[0]
			return len(h.routers) == 1 && r.Count == 2 && r.Source == source4 && r.MAC == mac2 && r.Problem == "" && r.Advert.Priority == 100
		}},
		"over IPv6": {frames(advertFrame(six, source6, nil, now)), func(h *heard) bool {
			return len(h.routers) == 1 && h.routers[0].Source == source6 && h.routers[0].Problem == ""
		}},
		"resigned": {frames(advertFrame(ad, source4, nil, now), advertFrame(resigned, source4, nil, now)), func(h *heard) bool {
			return h.routers[0].Advert.Priority == 100 && h.routers[0].Count == 2
		}},
		"signed": {frames(advertFrame(ad, source4, key, now.Add(3*time.Second))), func(h *heard) bool {
			r := h.routers[0]
			return r.Advert.Signed && r.Auth == "" && r.Skew > 2*time.Second && r.Skew < 4*time.Second
		}},
		"signed by another": {frames(advertFrame(ad, source4, other, now)), func(h *heard) bool { return h.routers[0].Auth != "" }},
		"from far":          {frames(far), func(h *heard) bool { return h.routers[0].Problem != "" }},
		"an answer to nobody's question": {frames(wire.AppendGARP(nil, mac2, source4)), func(h *heard) bool {
			return len(h.answers) == 0 && len(h.stations["eth0"]) == 1
		}},
		"a report, no query": {frames(wire.AppendReport(nil, mac2, source4, wire.Group4)), func(h *heard) bool { return !h.queriers["eth0"] }},
		"a query": {frames(func() []byte {
			b := wire.AppendReport(nil, mac2, source4, wire.Group4)
			b[14+24] = query
			return b
		}()), func(h *heard) bool { return h.queriers["eth0"] }},
		"a query of MLD": {frames(func() []byte {
			b := wire.AppendReport(nil, mac2, source6, wire.Group6)
			b[14+40+8] = mldQuery
			return b
		}()), func(h *heard) bool { return h.queriers["eth0"] }},
		"cut short": {frames(nil, []byte{1}, advertFrame(ad, source4, nil, now)[:33], advertFrame(six, source6, nil, now)[:50]), func(h *heard) bool {
			return len(h.routers) == 0
		}},
	} {
		h := newHeard(&plan)
		for _, b := range c.frames {
			h.take(frame{link: "eth0", data: b, wall: now})
		}
		if !c.check(h) {
			t.Errorf("%s: %+v, queriers %v, answers %v, stations %v", name, h.routers, h.queriers, h.answers, h.stations)
		}
	}
}

// FuzzFrames requires that no frame of a stranger does harm, that the memory is bounded, and that
// Judge accepts it.
func FuzzFrames(f *testing.F) {
	now := time.Unix(1e9, 0)
	ad := wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{shared4}}
	f.Add(advertFrame(ad, source4, bytes.Repeat([]byte{1}, 32), now))
	f.Add(advertFrame(wire.Advert{VRID: 51, Priority: 1, Interval: time.Second, Addresses: []netip.Addr{shared6}}, source6, nil, now))
	f.Add(wire.AppendGARP(nil, mac2, shared4))
	f.Add(wire.AppendNA(nil, mac2, shared6))
	f.Add(wire.AppendStateReport(nil, mac2, source6, wire.Group6))
	f.Fuzz(func(t *testing.T, b []byte) {
		facts := well()
		facts.Groups[0].Members[0].HMAC = &vrrp.HMAC{Keys: map[uint8]wire.Secret{1: wire.NewSecret(bytes.Repeat([]byte{1}, 32))}}
		h := newHeard(&facts.Plan)
		for range 2 {
			h.take(frame{link: "eth0", data: b, wall: now})
		}
		if len(h.routers) > 1 || len(h.stations["eth0"]) > 2 {
			t.Errorf("one frame made %d routers, %d stations", len(h.routers), len(h.stations["eth0"]))
		}
		facts.Routers, facts.Answers = h.routers, h.answers
		Judge(facts)
	})
}
