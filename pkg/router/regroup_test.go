package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// grouped returns the virtual routers of edge in other groups. Each group is written as its name,
// a colon, and its members; an instance outside any group has no name.
func grouped(groups ...string) (all []vrrp.Group) {
	members := make(map[string]vrrp.Instance)
	for _, g := range edge() {
		for _, in := range g.Members {
			members[in.Name] = in
		}
	}
	for _, text := range groups {
		name, list, _ := strings.Cut(text, ":")
		g := vrrp.Group{Name: name}
		for _, member := range strings.Fields(list) {
			in := members[member]
			in.Group = name
			g.Members = append(g.Members, in)
		}
		all = append(all, g)
	}
	return all
}

// transitions returns the transitions among some events.
func transitions(events []event.Event) (all []string) {
	for _, e := range events {
		switch e := e.(type) {
		case event.InstanceTransition:
			all = append(all, fmt.Sprintf("%s %s>%s", e.Virtual.Name, e.From, e.To))
		case event.GroupTransition:
			all = append(all, fmt.Sprintf("group %s %s>%s", e.Group, e.From, e.To))
		}
	}
	return all
}

// kinds returns the kinds of the orders for the address worker.
func kinds(orders []addr.Order) (all []addr.Kind) {
	for _, o := range orders {
		all = append(all, o.Kind)
	}
	return all
}

// outranked makes all groups Backup: a better Active is heard on one member of each.
func (b *bare) outranked(members ...string) {
	for _, name := range members {
		b.give(vrrp.Heard{Cause: event.Cause{At: b.now}, Instance: name, Source: source.Next(), Priority: 200, Interval: interval})
	}
}

// TestRegroup checks that virtual routers keep their state if a reload renames their group, or puts
// them into another group of the same state or into none: no advert changes its time, no address is
// touched, and no instance has a transition.
func TestRegroup(t *testing.T) {
	for _, tt := range []struct {
		name         string
		before, next []string
		moves        []string // transitions while Active
	}{
		{"rename", []string{"edge:inside outside", "spare:left right"}, []string{"border:inside outside", "spare:left right"},
			[]string{"group edge active>initialize", "group border initialize>active"}},
		{"two exchange their names", []string{"edge:inside outside", "spare:left right"}, []string{"spare:inside outside", "edge:left right"},
			[]string{"group edge active>initialize", "group spare initialize>active", "group spare active>initialize", "group edge initialize>active"}},
		{"ungroup", []string{"edge:inside outside", "spare:left right"}, []string{":inside", ":outside", "spare:left right"},
			[]string{"group edge active>initialize"}},
		{"group", []string{":inside", ":outside", "spare:left right"}, []string{"edge:inside outside", "spare:left right"},
			[]string{"group edge initialize>active"}},
		{"one leaves", []string{"edge:inside outside", "spare:left right"}, []string{":inside", "edge:outside", "spare:left right"}, nil},
		{"one joins", []string{"edge:inside", ":outside", "spare:left right"}, []string{"edge:inside outside", "spare:left right"}, nil},
		{"one moves", []string{"edge:inside outside", "spare:left right"}, []string{"spare:left right outside", "edge:inside"}, nil},
		{"each becomes one", []string{"edge:inside outside", "spare:left right"}, []string{"a:inside", "b:outside", "c:left", "d:right"},
			[]string{"group edge active>initialize", "group a initialize>active", "group b initialize>active",
				"group spare active>initialize", "group c initialize>active", "group d initialize>active"}},
		{"all become one", []string{"edge:inside outside", "spare:left right"}, []string{"edge:inside outside left right"},
			[]string{"group spare active>initialize"}},
		{"mixed", []string{"edge:inside outside", "spare:left right"}, []string{"spare:left inside", "edge:right outside"}, nil},
	} {
		for _, state := range []event.State{event.Active, event.Backup} {
			t.Run(tt.name+" "+state.String(), func(t *testing.T) {
				b := startedWith(t, grouped(tt.before...), time.Second)
				if state == event.Backup {
					b.outranked("inside", "outside", "left", "right")
				}
				b.play(b.now.Add(2 * interval))
				due, waits := b.core.Deadline()
				b.reload(grouped(tt.next...))
				if at, still := b.core.Deadline(); at != due || still != waits {
					t.Errorf("the next takeover is due at %v, before the reload it was %v", at, due)
				}
				want := slices.Clone(tt.moves)
				for i := range want {
					want[i] = strings.ReplaceAll(want[i], "active", state.String())
				}
				if got := transitions(b.last.Events); !sameSet(got, want) {
					t.Errorf("transitions %q, want %q", got, want)
				}
				for _, line := range sent(b.last) {
					if state == event.Backup || !strings.HasPrefix(line, "start ") {
						t.Errorf("sent %q", line)
					}
				}
				if got := kinds(b.last.Addresses); !slices.Equal(got, []addr.Kind{addr.Configure}) {
					t.Errorf("the worker receives %v", b.last.Addresses)
				}
				for i := range tt.next {
					if is := b.core.Group(i).State(); is != state {
						t.Errorf("%s is %v", tt.next[i], is)
					}
				}
				b.reload(grouped(tt.next...))
				if got := sent(b.last); len(got) > 0 {
					t.Errorf("the same configuration again: sent %q", got)
				}
				b.link("eth1", false) // each group knows its members
				for i, g := range grouped(tt.next...) {
					down := slices.Contains(g.Links(), "eth1")
					if is := b.core.Group(i).State(); (is == event.Fault) != down {
						t.Errorf("without eth1, %s is %v", tt.next[i], is)
					}
				}
			})
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestRegroupUnequal checks that a member whose old and new group differ in their states leaves the
// one and joins the other: its adverts and addresses end before they begin again.
func TestRegroupUnequal(t *testing.T) {
	two := grouped("edge:inside outside", "spare:left right")
	stalled := vrrp.Stalled{Cause: event.Cause{At: start.Add(time.Second)}, Instance: "inside", Gap: time.Second}
	for _, tt := range []struct {
		name         string
		before       vrrp.Input // or a better Active, if there is none
		outranked    []string
		next         []string
		member       string
		sent         []string
		kinds        []addr.Kind
		memberStates string
	}{
		{"an Active joins a Backup", nil, []string{"left"}, []string{"spare:left right outside", "edge:inside"}, "outside",
			[]string{"mute outside"}, []addr.Kind{addr.Release, addr.Configure}, "active>initialize initialize>backup"},
		{"a Backup joins an Active", nil, []string{"inside"}, []string{"spare:left right outside", "edge:inside"}, "outside",
			[]string{"start outside"}, []addr.Kind{addr.Configure, addr.Hold}, "backup>initialize initialize>active"},
		{"an Active leaves after a stall", stalled, nil, []string{":inside", ":outside", "spare:left right"}, "outside",
			[]string{"mute outside"}, []addr.Kind{addr.Release, addr.Configure}, "active>initialize initialize>backup"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := startedWith(t, two, time.Second)
			b.outranked(tt.outranked...)
			if tt.before != nil {
				b.give(tt.before)
			}
			b.reload(grouped(tt.next...))
			var of, moves []string
			for _, line := range sent(b.last) {
				if strings.HasSuffix(line, " "+tt.member) {
					of = append(of, line)
				}
			}
			for _, line := range transitions(b.last.Events) {
				if move, is := strings.CutPrefix(line, tt.member+" "); is {
					moves = append(moves, move)
				}
			}
			if !slices.Equal(of, tt.sent) || !slices.Equal(kinds(b.last.Addresses), tt.kinds) {
				t.Errorf("sent %q, want %q; addresses %v, want %v", of, tt.sent, b.last.Addresses, tt.kinds)
			}
			if got := strings.Join(moves, " "); got != tt.memberStates {
				t.Errorf("transitions %q, want %q", got, tt.memberStates)
			}
		})
	}
}

// TestReconfigureLeaves checks that a member that leaves a Backup no longer delays its takeover.
func TestReconfigureLeaves(t *testing.T) {
	b := startedWith(t, grouped("edge:inside outside"), time.Second)
	b.outranked("inside")
	b.play(b.now.Add(interval))
	b.outranked("outside")
	late, _ := b.core.Deadline()
	b.reload(grouped("edge:inside"))
	if at, _ := b.core.Deadline(); !at.Before(late) {
		t.Errorf("the takeover is due at %v, and was before at %v", at, late)
	}
}

// TestStartAnew checks that the sentences for people agree with what a reload does.
func TestStartAnew(t *testing.T) {
	joined, parted := []string{"edge:inside outside left right"}, []string{":inside", ":outside", "spare:left right"}
	lower := grouped(joined...)
	for i := range lower[0].Members {
		lower[0].Members[i].Priority = 120
	}
	for _, tt := range []struct {
		name      string
		outranked []string
		before    vrrp.Input
		next      []vrrp.Group
		want      []string
	}{
		{"both Active", nil, nil, grouped(joined...), nil},
		{"both Backup", []string{"inside", "left"}, nil, grouped(joined...), nil},
		{"parted", nil, nil, grouped(parted...), nil},
		{"renamed", nil, nil, grouped("border:inside outside", "spare:left right"), nil},
		{"another priority", nil, nil, lower, nil},
		{"Active and Backup", []string{"left"}, nil, grouped(joined...), []string{
			"left stops and starts anew, in another group: spare is backup, and edge is active",
			"right stops and starts anew, in another group: spare is backup, and edge is active",
		}},
		{"released", nil, vrrp.Released{Group: "spare", On: true}, grouped(joined...), nil},
		{"something is missing", nil, vrrp.Placed{Instance: "inside", Degree: vrrp.Optional, Missing: []string{"192.0.2.1/24"}}, grouped(parted...), []string{
			"outside stops and starts anew, in another group: edge does not serve with everything that is configured",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := grouped("edge:inside outside", "spare:left right")
			b := startedWith(t, before, time.Second)
			b.outranked(tt.outranked...)
			if tt.before != nil {
				b.give(tt.before)
			}
			var status []*vrrp.GroupStatus
			for i := range before {
				status = append(status, b.core.Group(i).Status(b.now))
			}
			got := router.StartAnew(before, status, tt.next)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			b.reload(tt.next)
			for _, member := range []string{"inside", "outside", "left", "right"} {
				stops := slices.ContainsFunc(transitions(b.last.Events), func(line string) bool {
					return strings.HasPrefix(line, member+" ") && strings.HasSuffix(line, ">initialize") && !strings.Contains(line, "fault")
				})
				said := slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, member+" ") })
				if stops != said {
					t.Errorf("%s stops: %t, the sentences: %q", member, stops, got)
				}
			}
		})
	}
}

// TestRegroupRest checks that the members of a group that ends resign, except those that continue in
// another group.
func TestRegroupRest(t *testing.T) {
	b := startedWith(t, grouped("edge:inside outside", "spare:left right"), time.Second)
	b.reload(grouped("edge:inside outside left"))
	if got, want := sent(b.last), []string{"resign right", "start inside", "start outside", "start left"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got := b.last.Addresses[0]; got.Kind != addr.Release || !slices.Equal(got.Instances, []string{"right"}) {
		t.Errorf("the worker receives %v", b.last.Addresses)
	}
}

// TestRegroupReleased checks that a release applies to all groups that have members of the released
// one, and ends under the new name.
func TestRegroupReleased(t *testing.T) {
	for _, next := range [][]string{{"border:inside outside", "spare:left right"}, {":outside", ":inside", "spare:left right"}, {"spare:left right inside", ":outside"}} {
		b := started(t, time.Second)
		b.give(vrrp.Released{Group: "edge", On: true})
		b.reload(grouped(next...))
		for i, text := range next {
			g := b.core.Group(i)
			if released := strings.Contains(text, "side"); (g.State() == event.Fault) != released {
				t.Errorf("%q: %s is %v", next, text, g.State())
			}
			for _, m := range g.Status(b.now).Members {
				for _, f := range m.Faults {
					if title := g.Config().Title(); f.Source != title || !strings.Contains(f.Err, "resume "+title) {
						t.Errorf("%q: fault %+v", next, f)
					}
				}
			}
			b.give(vrrp.Released{Group: g.Config().Title()})
			if g.State() == event.Fault {
				t.Errorf("%q: %s is still released", next, text)
			}
		}
	}
}
