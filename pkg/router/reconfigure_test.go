package router_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// reload applies a new configuration to the core, and answers its verifiers until end.
func (b *bare) reload(groups []vrrp.Group) {
	b.last = router.Orders{}
	var links []event.Link
	for _, name := range []string{"eth0", "eth1", "eth2"} {
		links = append(links, event.Link{
			Name: name, Seq: b.seq + 1, Index: 2, Usable: true, AdminUp: true, Carrier: true, Primary4: source,
		})
	}
	b.core.Reconfigure(b.now, router.Reconfiguration{Groups: groups}, links, &b.last)
	var next deadline.Earliest
	for i := range groups {
		if at, ok := b.core.Group(i).Deadline(); ok {
			next.Add(at)
		}
	}
	want, waits := next.Get()
	if at, ok := b.core.Deadline(); at != want || ok != waits {
		b.t.Errorf("after a reload the next deadline is %v, want the earliest of all groups, %v", at, want)
	}
}

var source = instance("", "", "", 11).Addresses[0] // any in 192.0.2.0/24

func sent(o router.Orders) (list []string) {
	words := map[advert.Kind]string{advert.Start: "start ", advert.Mute: "mute ", advert.Resign: "resign ", advert.Now: "now "}
	for _, a := range o.Adverts {
		list = append(list, words[a.Kind]+a.Instance)
	}
	return list
}

// TestReconfigure checks that a reload touches the groups that changed, and no others.
func TestReconfigure(t *testing.T) {
	b := started(t, time.Second)
	one, spare, alone := b.core.Group(0), b.core.Group(1), b.core.Group(2)

	b.reload(edge())
	if got := sent(b.last); len(got) > 0 || b.core.Group(0) != one || b.core.Group(1) != spare || b.core.Group(2) != alone {
		t.Errorf("the same configuration: sent %q", got)
	}

	// One priority changes, one group is gone, and one is new; their order changes.
	groups := edge()
	added := vrrp.Group{Name: "new", Members: []vrrp.Instance{instance("new", "another", "eth1", 6)}}
	groups[2].Members[0].Priority = 200
	b.reload([]vrrp.Group{groups[2], added, groups[0]})
	if got, want := sent(b.last), []string{"resign left", "resign right", "start alone", "now alone"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got := b.last.Addresses; len(got) != 2 || got[0].Kind != addr.Release || got[1].Kind != addr.Configure {
		t.Errorf("the worker receives %v, want a release, then the new sets", got)
	}
	if b.core.Group(0) != alone || b.core.Group(2) != one {
		t.Error("a continuing group has another machine")
	}
	if got := b.states(); !slices.Equal(got, []event.State{event.Active, event.Backup, event.Active}) {
		t.Errorf("states %v", got)
	}
	b.play(b.now.Add(time.Second))
	if got := b.states(); !slices.Equal(got, []event.State{event.Active, event.Active, event.Active}) {
		t.Errorf("in the end %v", got)
	}
	b.link("eth2", false)
	if got := b.states(); !slices.Equal(got, []event.State{event.Fault, event.Active, event.Active}) {
		t.Errorf("without eth2: %v", got)
	}
}

// TestReconfigureAnother checks that a virtual router with the same name and another VRID is a
// different one: the old one resigns.
func TestReconfigureAnother(t *testing.T) {
	b := started(t, time.Second)
	groups := edge()
	groups[2].Members[0].VRID = 77
	b.reload(groups)
	if got := sent(b.last); !slices.Equal(got, []string{"resign alone"}) {
		t.Errorf("sent %q", got)
	}
	if got := b.states(); got[2] != event.Backup {
		t.Errorf("it is %v", got[2])
	}
}

// TestKeepalived2357FaultAfterReload checks a reload after a lost link message. keepalived loses
// the message that a link is up again, and a reload, which compares the old flags with the old
// ones, leaves the instance in FAULT for good. A reload here receives the present states of the
// links: the group recovers without a message.
func TestKeepalived2357FaultAfterReload(t *testing.T) {
	b := started(t, time.Second)
	b.link("eth0", false) // its return is not read
	if got := b.states(); got[0] != event.Fault || got[1] != event.Active {
		t.Fatalf("without eth0: %v", got)
	}
	groups := edge()
	groups[0].Members[1].Priority, groups[0].Members[0].Priority = 120, 120
	b.reload(groups)
	b.play(b.now.Add(time.Second))
	if got := b.states(); got[0] != event.Active || got[1] != event.Active {
		t.Errorf("after the reload: %v", got)
	}
}

// TestRouterReconfigures checks that the loop applies a new configuration, and that the snapshots
// change accordingly.
func TestRouterReconfigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		b.run()
		settle(longest)
		b.want("silence", b.moves(), []string{"alone initialize->backup startup", "alone backup->active active-timeout"})
		groups := append(alone(), edge()[0])
		b.link("eth1", true)
		settle(0)
		if err := b.router.Reconfigure(t.Context(), router.Reconfiguration{Groups: groups}); err != nil {
			t.Fatal(err)
		}
		if got := b.router.Groups(); len(got) != 2 || got[0].State != event.Active || got[1].State != event.Backup {
			t.Errorf("%d groups, %v and %v", len(got), got[0].State, got[1].State)
		}
		settle(longest)
		b.want("afterwards", b.moves(), []string{
			"inside initialize->backup startup", "outside initialize->backup startup",
			"inside backup->active active-timeout", "outside backup->active group",
		})
		b.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.router.Reconfigure(ctx, router.Reconfiguration{Groups: alone()}); err == nil {
			t.Error("a router that has ended accepts a configuration")
		}
	})
}

// TestReconfigureConcerns checks that a member that a reload added receives its adverts, and the
// states of its link and trackers.
func TestReconfigureConcerns(t *testing.T) {
	b := started(t, time.Second)
	groups := edge()
	third := instance("edge", "third", "eth2", 9)
	third.Track = []vrrp.Tracker{{Kind: vrrp.TrackCheck, Name: "web"}}
	groups[0].Members = append(groups[0].Members, third)
	b.reload(groups)
	if got := b.states(); got[0] != event.Active {
		t.Fatalf("after the reload: %v", got)
	}
	b.give(vrrp.Heard{Cause: event.Cause{At: b.now}, Instance: "third", Source: source.Next(), Priority: 200, Interval: interval})
	if got := b.states(); got[0] != event.Backup {
		t.Errorf("a better Active of the new member: %v", got)
	}
	b.link("eth2", false)
	if got := b.states(); got[0] != event.Fault {
		t.Errorf("without its link: %v", got)
	}
	b.link("eth2", true)
	b.give(vrrp.Tracked{Cause: event.Cause{At: b.now}, Check: "web", State: vrrp.TrackerDown})
	if got := b.states(); got[0] != event.Fault {
		t.Errorf("with its trackers down: %v", got)
	}
}

// TestReconfigureRestates checks that a result that was reported once and still holds (a release,
// a condition, a failed check) applies to a virtual router that a reload created, even before it
// starts. A result that was cancelled, has expired, or belonged to an instance that was gone
// meanwhile does not.
func TestReconfigureRestates(t *testing.T) {
	web := vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "web"}
	faults := func(b *bare, i int) (list []string) {
		for _, m := range b.core.Group(i).Status(b.now).Members {
			for _, f := range m.Faults {
				list = append(list, string(f.Reason))
			}
		}
		return list
	}
	another := func() []vrrp.Group { // of the same names
		groups := edge()
		groups[2].Members[0].VRID = 77
		groups[2].Members[0].Track = []vrrp.Tracker{web}
		return groups
	}
	deaf := func(on bool) vrrp.Input { return vrrp.Condition{Instance: "alone", Reason: event.Deaf, On: on} }
	for _, tt := range []struct {
		name string
		in   []vrrp.Input
		want []string
	}{
		{"released", []vrrp.Input{vrrp.Released{Group: "alone", On: true}}, []string{"released"}},
		{"resumed", []vrrp.Input{vrrp.Released{Group: "alone", On: true}, vrrp.Released{Group: "alone"}}, nil},
		{"released for a time", []vrrp.Input{vrrp.Released{Group: "alone", On: true, Until: start.Add(time.Hour)}}, []string{"released"}},
		{"released until now", []vrrp.Input{vrrp.Released{Group: "alone", On: true, Until: start.Add(time.Second)}}, nil},
		{"another is released", []vrrp.Input{vrrp.Released{Group: "spare", On: true}}, nil},
		{"deaf", []vrrp.Input{deaf(true)}, []string{"deaf"}},
		{"deaf no more", []vrrp.Input{deaf(true), deaf(false)}, nil},
		{"a check failed", []vrrp.Input{vrrp.Tracked{Check: "web", State: vrrp.TrackerDown}}, []string{"check-failed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := started(t, time.Second)
			b.give(vrrp.Tracked{Check: "web", State: vrrp.TrackerUp})
			for _, in := range tt.in {
				b.give(in)
			}
			b.reload(another())
			if got := faults(b, 2); !slices.Equal(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
			for _, e := range b.last.Events {
				if e, ok := e.(event.InstanceTransition); ok && tt.want != nil && e.Name() == "instance.transition" && e.Virtual.Name == "alone" && e.To == event.Backup {
					t.Errorf("the group took part for a moment: %v", e.Message())
				}
			}
		})
	}

	b := started(t, time.Second)
	b.give(deaf(true))
	b.reload(edge()[:2])
	b.reload(edge())
	if got := faults(b, 2); len(got) > 0 {
		t.Errorf("after it was gone: faults %q", got)
	}
	// The end of a condition that was reported before its instance was gone, and is read after
	// that, is never reported. A condition that the receiver reports for a future instance holds.
	for _, tt := range []struct {
		reason event.Reason
		after  time.Duration // the reload that removed the instance
		want   []string
	}{
		{event.Deaf, -time.Millisecond, nil}, {event.Deaf, 0, nil}, {event.Deaf, time.Millisecond, []string{"deaf"}},
		{event.MACConflict, -time.Millisecond, nil}, {event.MACConflict, time.Millisecond, nil},
	} {
		b = started(t, time.Second)
		b.reload(edge()[:2])
		b.give(vrrp.Condition{Cause: event.Cause{At: b.now.Add(tt.after)}, Instance: "alone", Reason: tt.reason, On: true})
		b.reload(edge())
		if got := faults(b, 2); !slices.Equal(got, tt.want) {
			t.Errorf("%s, reported %v after it was gone: faults %q, want %q", tt.reason, tt.after, got, tt.want)
		}
	}
	// A member that joins a group that goes on.
	b = started(t, time.Second)
	b.give(vrrp.Condition{Instance: "alone", Reason: event.Deaf, On: true})
	groups := edge()
	groups[1].Members = append(groups[1].Members, instance("spare", "alone", "eth2", 5))
	b.reload(groups[:2])
	if got := faults(b, 1); !slices.Equal(got, []string{"deaf"}) {
		t.Errorf("after it joined another group: faults %q", got)
	}
}

// TestReconfigureStampsAsOften checks that the loop stamps its lease as often as the shortest interval
// requires, and not less often after a reload to a longer interval: adverts keep the old interval for a
// while.
func TestReconfigureStampsAsOften(t *testing.T) {
	b := newBare(t)
	for _, tt := range []struct{ interval, want time.Duration }{
		{time.Second, time.Second}, {500 * time.Millisecond, 500 * time.Millisecond},
		{100 * time.Millisecond, 250 * time.Millisecond}, {time.Second, 250 * time.Millisecond},
	} {
		groups := alone()
		groups[0].Members[0].Interval = tt.interval
		if tt.want == time.Second {
			b.core = router.NewCore(groups, event.NewMinter(0), start)
		} else {
			b.reload(groups)
		}
		if got := b.core.Wake(b.now).Sub(b.now); got != tt.want {
			t.Errorf("at %v the loop wakes after %v, want %v", tt.interval, got, tt.want)
		}
	}
}
