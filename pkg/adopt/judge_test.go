package adopt

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// edge returns a group of two instances with the given interval.
func edge(interval time.Duration) *vrrp.Group {
	member := func(name string) vrrp.Instance {
		return vrrp.Instance{
			Virtual: event.Virtual{Name: name, Group: "edge", Interface: "eth0", VRID: 51}, Priority: 150, Interval: interval, Miss: 3,
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		}
	}
	return &vrrp.Group{Name: "edge", Members: []vrrp.Instance{member("inside"), member("outside")}}
}

// TestJudge checks that a group is adopted only if no condition forbids it, and that the
// condition is reported.
func TestJudge(t *testing.T) {
	const now = time.Hour
	group := edge(time.Second)
	digest := DigestOf(group)
	sent := func(ago time.Duration) trace { return trace{digest, now - ago, 150, now / 2, false} }
	for name, c := range map[string]struct {
		inside, outside trace
		change          func(*Candidate)
		was             bool
		why             string
	}{
		"all as it was":            {sent(100 * time.Millisecond), sent(time.Second), nil, true, ""},
		"just in time":             {sent(0), sent(1499 * time.Millisecond), nil, true, ""},
		"too late":                 {sent(0), sent(1500 * time.Millisecond), nil, true, "1.5s ago"},
		"a Backup":                 {trace{digest: digest}, trace{digest: digest}, nil, false, ""},
		"one was Active alone":     {sent(0), trace{digest: digest}, nil, false, ""},
		"not recorded":             {sent(0), trace{}, nil, false, ""},
		"impaired":                 {trace{digest, now, 1, now / 2, false}, trace{digest, now, 1, now / 2, false}, nil, true, "lacked something"},
		"changed by a reload":      {sent(0), trace{digest, 0, 0, now / 2, true}, nil, true, "a reload had changed"},
		"from the future":          {sent(-time.Second), sent(0), nil, true, "from the future"},
		"another configuration":    {sent(0), trace{Digest{1, 2}, now, 150, now / 2, false}, nil, true, "configuration has changed"},
		"peers that miss fewer":    {sent(600 * time.Millisecond), sent(0), func(c *Candidate) { c.Members[0].Miss = 1 }, true, "more than the 500ms"},
		"we miss more than others": {sent(1600 * time.Millisecond), sent(0), func(c *Candidate) { c.Members[0].Miss = 10 }, true, "more than the 1.5s"},
		"an address is gone":       {sent(0), sent(0), func(c *Candidate) { c.Lacks = "192.0.2.1/24 is gone" }, true, "192.0.2.1/24 is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			past := &Past{traces: map[uint64]trace{hashOf("inside"): c.inside, hashOf("outside"): c.outside}}
			candidate := &Candidate{Group: edge(time.Second), Digest: digest}
			if c.change != nil {
				c.change(candidate)
			}
			v := past.Judge(candidate, now)
			if v.Was != c.was || (v.Why == "") != (c.why == "") || !strings.Contains(v.Why, c.why) {
				t.Errorf("was Active: %v, reason %q; want %v, %q", v.Was, v.Why, c.was, c.why)
			}
			if c.was && v.Since != now/2 {
				t.Errorf("it is Active since %v, want %v", v.Since, now/2)
			}
		})
	}
}

// TestDigest checks that the digest depends on everything that is configured, and on nothing
// else.
func TestDigest(t *testing.T) {
	type build struct {
		A string
		B []int
	}
	type nextBuild struct {
		A   string
		New bool
		B   []int
		F   func()
	}
	if DigestOf(build{"a", []int{1}}) != DigestOf(nextBuild{A: "a", B: []int{1}, F: func() {}}) {
		t.Error("an additional, unused field of the next build changes the digest")
	}
	was := DigestOf(edge(time.Second))
	if was != DigestOf(edge(time.Second)) {
		t.Error("the same configuration has two digests")
	}
	for name, change := range map[string]func(*vrrp.Group){
		"priority": func(g *vrrp.Group) { g.Members[1].Priority = 151 },
		"interval": func(g *vrrp.Group) { g.Members[1].Interval++ },
		"address":  func(g *vrrp.Group) { g.Members[0].Addresses[0] = netip.MustParseAddr("192.0.2.2") },
		"more":     func(g *vrrp.Group) { g.Members[0].Addresses = append(g.Members[0].Addresses, netip.Addr{}) },
		"link":     func(g *vrrp.Group) { g.Members[0].Interface = "eth1" },
		"members":  func(g *vrrp.Group) { g.Members = g.Members[:1] },
		"track":    func(g *vrrp.Group) { g.Track = []vrrp.Tracker{{Name: "eth2"}} },
		"fence":    func(g *vrrp.Group) { g.Fence = &vrrp.Fence{} },
	} {
		g := edge(time.Second)
		if change(g); DigestOf(g) == was {
			t.Errorf("another %s does not change the digest", name)
		}
	}
}

// TestCrashesAgain checks that five starts within ten seconds count as a daemon that crashes
// repeatedly.
func TestCrashesAgain(t *testing.T) {
	past := &Past{}
	start := func(at time.Duration) { past.starts[past.oldest()] = at }
	for i := range Crashes {
		if past.CrashesAgain(time.Hour) {
			t.Errorf("%d starts are enough", i)
		}
		start(time.Hour - 9*time.Second + time.Duration(i))
	}
	if !past.CrashesAgain(time.Hour) || past.CrashesAgain(time.Hour+2*time.Second) {
		t.Error("five starts count, and for ten seconds")
	}
	start(time.Hour)
	if !past.CrashesAgain(time.Hour) || past.CrashesAgain(time.Hour+2*time.Second) {
		t.Error("the last start replaces the first")
	}
}
