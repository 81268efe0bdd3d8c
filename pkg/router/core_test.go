package router_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

const interval = 100 * time.Millisecond

// instance returns a virtual router of priority 150.
func instance(group, name, iface string, vrid uint8) vrrp.Instance {
	return vrrp.Instance{
		Virtual:  event.Virtual{Name: name, Group: group, Interface: iface, VRID: vrid, Family: event.IPv4},
		Priority: 150, Interval: interval, Miss: 3, Preempt: true,
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, vrid})},
	}
}

// edge returns two groups that share eth1, and an instance outside any group on eth2.
func edge() []vrrp.Group {
	return []vrrp.Group{
		{Name: "edge", Members: []vrrp.Instance{instance("edge", "inside", "eth0", 1), instance("edge", "outside", "eth1", 2)}},
		{Name: "spare", Members: []vrrp.Instance{instance("spare", "left", "eth1", 3), instance("spare", "right", "eth1", 4)}},
		{Members: []vrrp.Instance{instance("", "alone", "eth2", 5)}},
	}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// bare is a Core without executors; only the verifiers answer.
type bare struct {
	t    *testing.T
	core *router.Core
	now  time.Time
	seq  uint64
	last router.Orders // of the last step
}

func newBare(t *testing.T) *bare { return bareOf(t, edge()) }

func bareOf(t *testing.T, groups []vrrp.Group) *bare {
	return &bare{t: t, core: router.NewCore(groups, event.NewMinter(0), start), now: start}
}

func (b *bare) give(in vrrp.Input) {
	b.last = router.Orders{}
	b.core.Absorb(b.now, in, &b.last)
}

func (b *bare) link(name string, usable bool) {
	b.seq++
	b.give(vrrp.LinkSeen{Link: event.Link{
		Cause: event.Cause{Trace: 1, At: b.now}, Seq: b.seq, Name: name, Index: 2, Usable: usable,
		AdminUp: true, Carrier: usable, Primary4: netip.MustParseAddr("192.0.2.11"),
	}})
}

// play advances the time to end and performs everything that is due.
func (b *bare) play(end time.Time) {
	for {
		at, ok := b.core.Deadline()
		if !ok || at.After(end) {
			b.now = end
			return
		}
		b.now = at
		b.last = router.Orders{}
		b.core.Tick(b.now, &b.last)
		if v := b.last.Verify; v != nil {
			b.give(vrrp.Answered{Ticket: v.Ticket, By: vrrp.Receiver})
			b.give(vrrp.Answered{Ticket: v.Ticket, By: vrrp.Confirmer})
		}
	}
}

// started returns a Core with all links up, in which every group is Active or on its way there.
func started(t *testing.T, end time.Duration) *bare { return startedWith(t, edge(), end) }

func startedWith(t *testing.T, groups []vrrp.Group, end time.Duration) *bare {
	b := bareOf(t, groups)
	for _, name := range []string{"eth0", "eth1", "eth2"} {
		b.link(name, true)
	}
	b.give(vrrp.Start{})
	b.play(start.Add(end))
	b.touched()
	return b
}

func (b *bare) touched() (groups []int) {
	b.core.Touched(func(i int, m *machine.Machine) {
		if m != b.core.Group(i) {
			b.t.Errorf("group %d is another machine", i)
		}
		groups = append(groups, i)
	})
	slices.Sort(groups)
	return groups
}

func (b *bare) states() (states []event.State) {
	for i := range 3 {
		states = append(states, b.core.Group(i).State())
	}
	return states
}

// TestFactsReachTheGroupsConcerned checks that an input reaches the groups concerned, and no
// others.
func TestFactsReachTheGroupsConcerned(t *testing.T) {
	link := func(name string) vrrp.Input { return vrrp.LinkSeen{Link: event.Link{Name: name}} }
	tests := []struct {
		name string
		in   vrrp.Input
		want []int
	}{
		{"link of one group", link("eth0"), []int{0}},
		{"link of two groups", link("eth1"), []int{0, 1}},
		{"another link", link("eth9"), nil},
		{"advert", vrrp.Heard{Instance: "right", Priority: 1}, []int{1}},
		{"advert for the second member", vrrp.Heard{Instance: "outside", Priority: 1}, []int{0}},
		{"advert for an unknown instance", vrrp.Heard{Instance: "unknown", Priority: 1}, nil},
		{"stall", vrrp.Stalled{Instance: "alone"}, []int{2}},
		{"lease", vrrp.LeaseLost{Instance: "left"}, []int{1}},
		{"sends", vrrp.Sends{Instance: "inside"}, []int{0}},
		{"addresses", vrrp.Placed{Instance: "alone"}, []int{2}},
		{"condition", vrrp.Condition{Instance: "alone", Reason: event.Deaf, On: true}, []int{2}},
		{"a group by its name", vrrp.Released{Group: "spare"}, []int{1}},
		{"an instance outside any group", vrrp.Released{Group: "alone"}, []int{2}},
		{"an instance of a group alone", vrrp.Released{Group: "left"}, nil},
		{"a segment of two groups forwards", vrrp.Forwards{Interface: "eth1"}, []int{0, 1}},
		{"an answer", vrrp.Answered{Ticket: 1}, []int{0, 1, 2}},
		{"start", vrrp.Start{}, []int{0, 1, 2}},
		{"stop", vrrp.Stop{}, []int{0, 1, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBare(t)
			b.give(tt.in)
			if got := b.touched(); !slices.Equal(got, tt.want) {
				t.Errorf("reached groups %v, want %v", got, tt.want)
			}
			if got := b.touched(); len(got) > 0 {
				t.Errorf("after Touched still %v", got)
			}
		})
	}
}

// TestTrackedReachesTheGroupsConcerned checks that the state of a tracked check or link reaches
// each group that tracks it, by itself or through a member, once.
func TestTrackedReachesTheGroupsConcerned(t *testing.T) {
	groups := edge()
	web := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "web", Weight: -10}
	groups[0].Track = []vrrp.Tracker{web, {Name: "eth5", Weight: 10}}
	groups[0].Members[1].Track = []vrrp.Tracker{web}
	groups[2].Members[0].Track = []vrrp.Tracker{web}
	b := newBare(t)
	b.core = router.NewCore(groups, event.NewMinter(0), start)
	for in, want := range map[vrrp.Input][]int{
		vrrp.Tracked{Check: "web"}:                         {0, 2},
		vrrp.Tracked{Check: "disk"}:                        nil,
		vrrp.LinkSeen{Link: event.Link{Name: "eth5"}}:      {0},
		vrrp.Released{Group: "spare", On: true}:            {1},
		vrrp.Released{Group: "left", On: true}:             nil,
		vrrp.Released{Group: "alone", On: true}:            {2},
		vrrp.LinkSeen{Link: event.Link{Name: "eth-other"}}: nil,
	} {
		b.give(in)
		if got := b.touched(); !slices.Equal(got, want) {
			t.Errorf("%+v reached groups %v, want %v", in, got, want)
		}
	}
}

// TestLinkOfTwoGroups checks that two groups on one link both leave with it while the third
// stays, and that all orders of the turn are one batch.
func TestLinkOfTwoGroups(t *testing.T) {
	b := started(t, time.Second)
	if got := b.states(); !slices.Equal(got, []event.State{event.Active, event.Active, event.Active}) {
		t.Fatalf("after a second of silence: %v", got)
	}
	b.link("eth1", false)
	if got := b.states(); !slices.Equal(got, []event.State{event.Fault, event.Fault, event.Active}) {
		t.Errorf("without eth1: %v", got)
	}
	var left []string
	for _, o := range b.last.Adverts {
		left = append(left, map[advert.Kind]string{advert.Mute: "mute ", advert.Resign: "resign "}[o.Kind]+o.Instance)
	}
	if want := []string{"resign inside", "mute outside", "mute left", "mute right"}; !slices.Equal(left, want) {
		t.Errorf("sent %q, want %q", left, want)
	}
	if n := len(b.last.Addresses); n != 1 {
		t.Errorf("%d batches of addresses", n)
	}
}

// TestTickOrder checks that Tick ends the timers in order of their instants, and only those whose
// instant has come.
func TestTickOrder(t *testing.T) {
	b := started(t, 0)
	first, ok := b.core.Deadline()
	if !ok {
		t.Fatal("no deadline after Start")
	}
	// "alone" hears its Active, and waits longer than the others.
	b.now = start.Add(50 * time.Millisecond)
	b.give(vrrp.Heard{
		Cause: event.Cause{At: b.now}, Instance: "alone", Source: netip.MustParseAddr("192.0.2.12"), Priority: 200, Interval: interval,
	})
	if at, _ := b.core.Deadline(); !at.Equal(first) {
		t.Errorf("the next deadline is %v, want that of the others", at.Sub(start))
	}
	b.touched()
	var out router.Orders
	b.core.Tick(first.Add(-1), &out)
	if got := b.touched(); len(got) > 0 {
		t.Errorf("a nanosecond early: groups %v", got)
	}
	b.core.Tick(first, &out)
	if got := b.touched(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("at the instant: groups %v", got)
	}
	if at, ok := b.core.Deadline(); !ok || !at.After(first) {
		t.Errorf("the deadline %v was not replaced", at.Sub(start))
	}
	b.now = first
	b.play(start.Add(time.Second))
	if got := b.states(); !slices.Equal(got, []event.State{event.Active, event.Active, event.Active}) {
		t.Errorf("in the end: %v", got)
	}
}

// TestTickReachesMostUrgentFirst checks that after a long sleep the group with the shortest
// interval is handled first.
func TestTickReachesMostUrgentFirst(t *testing.T) {
	groups := edge()
	groups[1].Members[0].Interval, groups[1].Members[1].Interval = interval/2, interval/2
	b := newBare(t)
	b.core = router.NewCore(groups, event.NewMinter(0), start)
	for _, name := range []string{"eth0", "eth1", "eth2"} {
		b.link(name, true)
	}
	b.give(vrrp.Start{})
	// All deadlines have passed: the verifiers are asked in order of the instants.
	var out router.Orders
	late, _ := b.core.Deadline()
	for range 2 { // ask, and wait for the answers
		b.core.Tick(late.Add(interval*3), &out)
	}
	var order []string
	for _, e := range out.Events {
		if e, ok := e.(event.EngineStalled); ok {
			order = append(order, e.Instance)
		}
	}
	if len(order) == 0 || order[0] != "left" {
		t.Errorf("handled in the order %q, want the group of the shortest interval first", order)
	}
	if _, ok := b.core.Deadline(); !ok {
		t.Error("no deadline is left")
	}
}

// TestSlept checks that after a pause of the router those Actives listen that missed their own
// adverts, by any member's interval.
func TestSlept(t *testing.T) {
	groups := edge()
	groups[1].Members[1].Interval = interval / 10
	tests := []struct {
		gap  time.Duration
		want []string
	}{
		{interval / 10 * 3, nil},
		{interval/10*3 + 1, []string{"right"}},
		{interval * 3, []string{"right"}},
		{interval*3 + 1, []string{"inside", "left", "alone"}},
	}
	for _, tt := range tests {
		b := newBare(t)
		b.core = router.NewCore(groups, event.NewMinter(0), start)
		for _, name := range []string{"eth0", "eth1", "eth2"} {
			b.link(name, true)
		}
		b.give(vrrp.Start{})
		b.play(start.Add(time.Second))
		var out router.Orders
		b.core.Slept(b.now, tt.gap, tt.gap, &out)
		var got []string
		for _, e := range out.Events {
			if e, ok := e.(event.EngineStalled); ok && e.Gap == tt.gap {
				got = append(got, e.Instance)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v late: %q listen, want %q", tt.gap, got, tt.want)
		}
	}
	// A Backup that woke late may have lost adverts in all of its sleep.
	groups = alone()
	groups[0].Members[0].Interval = time.Second
	for late, given := range map[time.Duration]bool{250 * time.Millisecond: false, 251 * time.Millisecond: true} {
		b := newBare(t)
		b.core = router.NewCore(groups, event.NewMinter(0), start)
		b.link("eth0", true)
		b.give(vrrp.Start{})
		b.now = start.Add(2500 * time.Millisecond)
		var out router.Orders
		b.core.Slept(b.now, late, late+time.Second, &out)
		if got := len(out.Events) > 0; got != given {
			t.Errorf("a Backup that slept 1s and woke %v late gives the Active time: %v, want %v", late, got, given)
		}
	}
	// It has nothing to listen for.
	b := started(t, 0)
	var out router.Orders
	b.core.Slept(b.now, time.Hour, time.Hour, &out)
	if len(out.Events) > 0 {
		t.Errorf("in Backup: %v", out.Events)
	}
}

// TestEngagedTracked checks that the links that a group tracks are engaged like its own: while it
// is Backup or Active, and while a member serves alone.
func TestEngagedTracked(t *testing.T) {
	groups := edge()
	groups[0].Track = []vrrp.Tracker{{Name: "eth5", Weight: -10}}
	groups[0].LastStanding = true
	groups[2].Members[0].Track = []vrrp.Tracker{{Name: "eth6"}}
	b := &bare{t: t, core: router.NewCore(groups, event.NewMinter(0), start), now: start}
	for _, name := range []string{"eth0", "eth1", "eth2", "eth5", "eth6"} {
		b.link(name, true)
	}
	b.give(vrrp.Start{})
	want := func(when string, links ...string) {
		t.Helper()
		if got := b.core.Engaged(); !slices.Equal(got, links) {
			t.Errorf("%s: %q, want %q", when, got, links)
		}
	}
	want("in Backup", "eth0", "eth1", "eth2", "eth5", "eth6")
	b.link("eth6", false)
	b.link("eth0", false)
	want("edge and alone in Fault", "eth1")
	b.play(start.Add(time.Second))
	want("outside serves alone", "eth0", "eth1", "eth5")
}

// TestEngaged checks that the engaged links are those of groups in Backup or Active.
func TestEngaged(t *testing.T) {
	engaged := func(b *bare) []string {
		names := b.core.Engaged()
		slices.Sort(names)
		return names
	}
	b := newBare(t)
	if got := engaged(b); len(got) > 0 {
		t.Errorf("in Initialize: %q", got)
	}
	b = started(t, 0)
	if got, want := engaged(b), []string{"eth0", "eth1", "eth2"}; !slices.Equal(got, want) {
		t.Errorf("in Backup: %q, want %q", got, want)
	}
	b.link("eth0", false) // "edge" is in Fault, "spare" still needs eth1
	if got, want := engaged(b), []string{"eth1", "eth2"}; !slices.Equal(got, want) {
		t.Errorf("with edge in Fault: %q, want %q", got, want)
	}
	b.link("eth1", false)
	if got, want := engaged(b), []string{"eth2"}; !slices.Equal(got, want) {
		t.Errorf("with spare in Fault too: %q, want %q", got, want)
	}
	b.play(start.Add(time.Second))
	if got, want := engaged(b), []string{"eth2"}; !slices.Equal(got, want) {
		t.Errorf("Active: %q, want %q", got, want)
	}
}

// TestCoreHearsAsActiveOnceItsAdvertHasLeft checks a takeover by two routers at the same instant,
// which hear each other's first advert before their loops wake: an advert that arrived after ours
// left is heard by an Active; one that arrived before is heard by a Backup, which resigns its
// own.
func TestCoreHearsAsActiveOnceItsAdvertHasLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // the instant of the takeover
		want  event.State
		order advert.Kind
	}{
		{"before", -1, event.Backup, advert.Disarm},
		{"at it", 0, event.Active, advert.Start},
		{"after", 100 * time.Microsecond, event.Active, advert.Start},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBare(t)
			b.link("eth2", true)
			b.give(vrrp.Start{})
			alone := b.core.Group(2)
			at, _ := alone.Deadline()
			b.play(at)
			armed, ok := alone.Armed()
			if !ok || !armed.After(b.now) {
				t.Fatalf("at %v the engine is armed for %v", b.now, armed)
			}
			b.now = armed.Add(200 * time.Microsecond)
			b.give(vrrp.Heard{
				Cause: event.Cause{Trace: 7, At: armed.Add(tt.after)}, Instance: "alone", Version: alone.Config().Members[0].Version,
				Source: netip.MustParseAddr("192.0.2.9"), Priority: 150, Interval: interval,
			})
			if got := alone.State(); got != tt.want || len(b.last.Adverts) == 0 || b.last.Adverts[0].Kind != tt.order {
				t.Errorf("the state is %v after %+v", got, b.last.Adverts)
			}
		})
	}
}
