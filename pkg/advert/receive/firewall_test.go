package receive

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/advert/validate"
)

// TestDeliveries checks that two adverts in a row that arrive and are not delivered within the
// allowed time are reported, and that a delivered one ends the report, as does the silence of
// their senders.
func TestDeliveries(t *testing.T) {
	peer, third := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.13")
	for name, c := range map[string]struct {
		steps string // at MILLISECONDS: see, other (by another source), slow (every 20 s), queued, deliver, restart, reset, audit
		want  string // what each audit says is dropped, or over
	}{
		"nothing arrives":                  {"1000 audit", "-"},
		"one is no proof":                  {"0 see, 1000 audit", "-"},
		"two are":                          {"0 see, 200 see, 1000 audit", "dropped 192.0.2.11"},
		"not at once":                      {"0 see, 200 see, 299 audit, 300 audit", "- dropped 192.0.2.11"},
		"delivered, and late":              {"0 see, 200 see, 290 deliver, 1000 audit", "-"},
		"delivered before":                 {"0 deliver, 200 see, 400 see, 1000 audit", "dropped 192.0.2.11"},
		"all delivered after a pause":      {"1000 deliver, 1000 queued, 1000 queued, 2000 audit", "-"},
		"each delivered":                   {"0 see, 1 deliver, 200 see, 201 deliver, 1000 audit", "-"},
		"each delivered, first":            {"0 deliver, 0 see, 200 deliver, 200 see, 1000 audit", "-"},
		"every second one delivered":       {"0 see, 200 see, 201 deliver, 400 see, 600 see, 601 deliver, 1000 audit", "-"},
		"the rule goes":                    {"0 see, 200 see, 1000 audit, 1200 deliver, 2000 audit", "dropped 192.0.2.11 over -"},
		"the rule comes again":             {"0 see, 200 see, 1000 audit, 1200 deliver, 1400 see, 1600 see, 2000 audit", "dropped 192.0.2.11 over dropped 192.0.2.11"},
		"who sends is gone":                {"0 see, 200 see, 1000 audit, 10200 audit, 10201 audit, 11000 audit", "dropped 192.0.2.11 dropped 192.0.2.11 over -"},
		"a long interval lasts longer":     {"0 slow, 20000 slow, 21000 audit, 80000 audit, 80001 audit", "dropped 192.0.2.11 dropped 192.0.2.11 over"},
		"two too far apart":                {"0 see, 11000 audit, 12000 see, 13000 audit", "- -"},
		"by two routers":                   {"0 see, 100 other, 1000 audit", "dropped 192.0.2.11 192.0.2.13"},
		"one of two is gone":               {"0 see, 100 other, 9000 see, 11000 audit", "dropped 192.0.2.11"},
		"the raw socket was closed":        {"0 see, 100 restart, 200 see, 1000 audit", "-"},
		"closed, but reported before":      {"0 see, 200 see, 1000 audit, 1100 restart, 2000 audit", "dropped 192.0.2.11 dropped 192.0.2.11"},
		"the link goes":                    {"0 see, 200 see, 1000 audit, 1100 reset, 2000 audit", "dropped 192.0.2.11 over -"},
		"the link goes, nothing was found": {"0 see, 200 see, 210 reset, 1000 audit", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeliveries()
			d.add(51, "v4", 200*time.Millisecond)
			var got []string
			ended := func(over []*delivery) {
				for range over {
					got = append(got, "over")
				}
			}
			for _, step := range strings.Split(c.steps, ", ") {
				var at int
				var do string
				if _, err := fmt.Sscanf(step, "%d %s", &at, &do); err != nil {
					t.Fatal(err)
				}
				now := adverttest.T0.Add(time.Duration(at) * time.Millisecond)
				switch do {
				case "see":
					d.see(validate.Arrival{Instance: "v4", Source: peer, Interval: 200 * time.Millisecond}, now, now)
				case "other":
					d.see(validate.Arrival{Instance: "v4", Source: third, Interval: 200 * time.Millisecond}, now, now)
				case "slow":
					d.see(validate.Arrival{Instance: "v4", Source: peer, Interval: 20 * time.Second}, now, now)
				case "queued": // it arrived at the beginning
					d.see(validate.Arrival{Instance: "v4", Source: peer, Interval: 200 * time.Millisecond}, adverttest.T0, now)
				case "deliver":
					if v := d.deliver("v4", now, now); v != nil {
						got = append(got, "over")
					}
				case "restart":
					d.restart()
				case "reset":
					ended(d.reset())
				case "audit":
					dropped, over := d.audit(now)
					ended(over)
					for _, v := range dropped {
						v.dropped = true
						got = append(got, "dropped")
						var from []string
						for _, u := range v.sources {
							from = append(from, u.source.String())
						}
						slices.Sort(from)
						got = append(got, from...)
					}
					if len(dropped)+len(over) == 0 {
						got = append(got, "-")
					}
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDeliveriesWatch checks that the watched VRIDs are those for which nothing was delivered
// for three intervals, or a second, and those with an advert from our own address in that time.
func TestDeliveriesWatch(t *testing.T) {
	d := newDeliveries()
	d.add(1, "fast", 100*time.Millisecond)
	d.add(64, "slow", 10*time.Second)
	var both, slow, fast vridSet
	both.add(1)
	both.add(64)
	slow.add(64)
	fast.add(1)
	if got := d.watch(adverttest.T0); got != both {
		t.Errorf("at the start: %v", got)
	}
	d.deliver("fast", adverttest.T0, adverttest.T0)
	d.deliver("", adverttest.T0, adverttest.T0) // not ours
	if got := d.watch(adverttest.T0.Add(time.Second)); got != slow {
		t.Errorf("one was heard: %v", got)
	}
	d.deliver("slow", adverttest.T0.Add(time.Second), adverttest.T0.Add(time.Second))
	if got := d.watch(adverttest.T0.Add(31 * time.Second)); got != fast {
		t.Errorf("30 s later: %v", got)
	}
	if got := d.watch(adverttest.T0.Add(32 * time.Second)); got != both {
		t.Errorf("31 s later: %v", got)
	}
	later := adverttest.T0.Add(time.Minute)
	d.deliver("fast", later, later)
	d.deliver("slow", later, later)
	d.receiveOwn("fast", later)
	d.receiveOwn("", later) // not ours
	if got := d.watch(later.Add(time.Second)); got != fast {
		t.Errorf("one was from our own address: %v", got)
	}
	d.deliver("fast", later.Add(time.Second), later.Add(time.Second))
	if got := d.watch(later.Add(2 * time.Second)); got != (vridSet{}) {
		t.Errorf("a second after that: %v", got)
	}
}

// TestDeliveriesBounded checks that the number of remembered sources is bounded.
func TestDeliveriesBounded(t *testing.T) {
	d := newDeliveries()
	d.add(51, "v4", time.Second)
	source := netip.MustParseAddr("192.0.2.1")
	for range 1000 {
		d.see(validate.Arrival{Instance: "v4", Source: source}, adverttest.T0, adverttest.T0)
		source = source.Next()
	}
	if n := len(d.routers["v4"].sources); n != maxUndelivered {
		t.Errorf("%d sources", n)
	}
}
