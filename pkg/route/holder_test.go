package route_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/route"
	"ripcord/pkg/route/routetest"
)

var (
	defaultRoute = route.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0", Table: route.MainTable}
	tableRoute   = route.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Interface: "eth0", Table: 100}
	rule         = route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, Priority: 500}
)

// rig is a Holder on a kernel in memory, with a clock that the test moves.
type rig struct {
	*route.Holder
	kernel *routetest.Kernel
	events *bus.Ring[event.Event]
	now    time.Time
	ready  bool
}

func newRig(t *testing.T, entries ...route.Entry) *rig {
	t.Helper()
	if len(entries) == 0 {
		entries = []route.Entry{defaultRoute, tableRoute, rule}
	}
	topic := new(bus.Topic[event.Event])
	r := &rig{
		kernel: routetest.New(entries...), events: bus.SubscribeRing(topic, bus.NewBell(), 1000),
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ready: true,
	}
	r.Holder = route.NewHolder(route.Config{
		Entries: map[string][]route.Entry{"a": entries}, Ready: func(string) bool { return r.ready },
		Kernel: r.kernel, Events: topic, Minter: event.NewMinter(1), Now: func() time.Time { return r.now },
	})
	r.SeeLink(event.Link{Name: "eth0", Index: 7, AdminUp: true})
	return r
}

// turn makes the kernel agree, as the owner does after an event.
func (r *rig) turn() {
	r.Remove()
	r.Add()
}

// pass moves the clock, with a turn at each deadline.
func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for {
		due, ok := r.Deadline()
		if !ok || due.After(end) {
			break
		}
		if due.After(r.now) {
			r.now = due
		}
		r.turn()
		if next, ok := r.Deadline(); ok && !next.After(r.now) {
			panic(fmt.Sprintf("a turn at %v did not move the deadline", r.now))
		}
	}
	r.now = end
}

func (r *rig) hold()    { r.Hold(r.now, event.Cause{Trace: 7}, "a"); r.turn() }
func (r *rig) release() { r.Release(r.now, event.Cause{Trace: 8}, "a"); r.turn() }

// names returns the events since the last call.
func (r *rig) names() string {
	events, _ := r.events.Take()
	var names []string
	for _, e := range events {
		names = append(names, strings.TrimPrefix(e.Name(), "route."))
	}
	return strings.Join(names, " ")
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestHolder requires that held entries are added in order once the addresses are in place, and
// removed in the reverse order: no rule leads to an empty table.
func TestHolder(t *testing.T) {
	r := newRig(t)
	r.ready = false
	r.hold()
	r.pass(time.Second)
	expect(t, "before the addresses", r.kernel.Batches, "[]")
	r.ready = true
	r.turn()
	expect(t, "batches", r.kernel.Batches, "[+3]")
	expect(t, "events", r.names(), "added")
	r.release()
	expect(t, "events", r.names(), "removed")
	expect(t, "removed", r.kernel.Removed, []string{rule.String(), tableRoute.String(), defaultRoute.String()})
	if due, ok := r.Deadline(); ok {
		t.Errorf("nothing is held, and %v is due", due)
	}
}

// TestHolderPutsBack requires that a lost entry is restored, but less often if another program
// keeps removing it.
func TestHolderPutsBack(t *testing.T) {
	r := newRig(t)
	r.hold()
	r.names()
	lose := func() {
		r.kernel.With(func() { delete(r.kernel.Standing, tableRoute.String()) })
		r.Changed()
	}
	r.pass(time.Second)
	lose()
	r.pass(time.Second)
	expect(t, "events", r.names(), "restored")
	expect(t, "stand", len(r.kernel.Standing), 3)

	r.pass(20 * time.Second)
	for range 100 {
		lose()
		r.pass(100 * time.Millisecond)
	}
	if n := strings.Count(r.names(), "restored"); n < 3 || n > 7 {
		t.Errorf("restored %d times in 10 s of removals", n)
	}
	r.pass(10 * time.Second)
	expect(t, "stand", len(r.kernel.Standing), 3)
}

// TestHolderAudits requires that an audit finds an entry that disappears without a notification.
func TestHolderAudits(t *testing.T) {
	r := newRig(t)
	r.hold()
	r.pass(15 * time.Second)
	r.names()
	r.kernel.With(func() { delete(r.kernel.Standing, defaultRoute.String()) })
	r.pass(10 * time.Second)
	expect(t, "after an audit", r.names(), "restored")
}

// TestHolderOfAGatewayAlone: a route whose interface the kernel chooses may disappear with any
// link: it is restored when one changes.
func TestHolderOfAGatewayAlone(t *testing.T) {
	gateway := defaultRoute
	gateway.Interface = ""
	r := newRig(t, gateway)
	r.hold()
	expect(t, "at once", r.names(), "added")
	r.pass(time.Second)
	r.kernel.With(func() { delete(r.kernel.Standing, gateway.String()) })
	r.pass(time.Second)
	expect(t, "while nothing changes", r.names(), "")
	r.SeeLink(event.Link{Name: "eth7", Index: 9, AdminUp: true})
	r.turn()
	expect(t, "when a link changes", r.names(), "restored")
	r.release()
	expect(t, "stand", len(r.kernel.Standing), 0)
}

func TestHolderWaitsForTheInterface(t *testing.T) {
	other := defaultRoute
	other.Interface = "eth1"
	r := newRig(t, other, rule)
	r.hold()
	expect(t, "events", r.names(), "failed added")
	r.SeeLink(event.Link{Name: "eth1", Index: 9})
	r.pass(time.Second)
	expect(t, "while it is down", r.names(), "failed")
	r.SeeLink(event.Link{Name: "eth1", Index: 9, AdminUp: true})
	r.turn()
	expect(t, "when it is up", r.names(), "added")
}

// TestHolderOfNextHops: a route with several next hops waits for all of their interfaces, differs
// from one with others, and is not removed if it was never tried.
func TestHolderOfNextHops(t *testing.T) {
	hops := func(weight int) route.Route {
		return route.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Table: route.MainTable, Hops: []route.Hop{
			{Via: netip.MustParseAddr("192.0.2.253"), Interface: "eth0"}, {Via: netip.MustParseAddr("198.51.100.254"), Interface: "eth1", Weight: weight},
		}}
	}
	r := newRig(t, hops(1))
	r.hold()
	r.pass(time.Second)
	expect(t, "one interface is missing", len(r.kernel.Standing), 0)
	if all, _ := r.Missing(r.now, "a", time.Second); len(all) != 1 || !all[0].Refused {
		t.Errorf("missing: %+v", all)
	}
	r.release()
	expect(t, "never tried", r.kernel.Batches, "[]")
	r.hold()
	r.SeeLink(event.Link{Name: "eth1", Index: 9, AdminUp: true})
	r.pass(time.Second)
	expect(t, "both are there", r.kernel.Standing, map[string]bool{hops(1).String(): true})
	r.Configure(r.now, event.Cause{}, map[string][]route.Entry{"a": {hops(2)}})
	r.turn()
	expect(t, "another weight", r.kernel.Standing, map[string]bool{hops(2).String(): true})
}

// TestHolderRefused requires that a refusal is reported once, that the entry is missing, and that
// it is tried again.
func TestHolderRefused(t *testing.T) {
	r := newRig(t)
	r.kernel.Refuse = errors.New("no such gateway")
	r.hold()
	if all, settled := r.Missing(r.now, "a", time.Second); settled || len(all) != 0 {
		t.Errorf("missing at once: %v, settled %t", all, settled)
	}
	r.pass(5 * time.Second)
	expect(t, "reported once", r.names(), "failed")
	all, settled := r.Missing(r.now, "a", time.Second)
	if !settled || len(all) != 3 || !strings.Contains(all[0].Reason, "no such gateway") {
		t.Errorf("missing: %v, settled %t", all, settled)
	}
	r.kernel.Refuse = nil
	r.pass(time.Second)
	expect(t, "then", r.names(), "added")
	r.kernel.Stuck = errors.New("stuck")
	r.release()
	r.pass(time.Second)
	expect(t, "kept by the kernel", r.names(), "failed")
	expect(t, "left", len(r.Left()), 3)
	r.kernel.Stuck = nil
	r.pass(time.Second)
	expect(t, "then", r.names(), "removed")
	expect(t, "left", r.Left(), "[]")
}

// TestHolderUsesForeign requires that an entry of others in the place of ours is used, and never
// removed.
func TestHolderUsesForeign(t *testing.T) {
	r := newRig(t)
	r.kernel.Standing[defaultRoute.String()] = false
	r.hold()
	expect(t, "events", r.names(), "foreign added")
	r.pass(30 * time.Second)
	expect(t, "reported once", r.names(), "")
	r.release()
	expect(t, "left", r.kernel.Standing, map[string]bool{defaultRoute.String(): false})
	expect(t, "events", r.names(), "removed")

	r.hold()
	r.names()
	delete(r.kernel.Standing, defaultRoute.String()) // theirs disappears, ours is added
	r.Changed()
	r.pass(time.Second)
	expect(t, "events", r.names(), "restored")
	r.release()
	expect(t, "left at the end", len(r.kernel.Standing), 0)
}

// TestHolderPutsBackReplaced requires that a route that replaces ours is noticed, although adding
// has the same answer for both, and that ours is restored.
func TestHolderPutsBackReplaced(t *testing.T) {
	r := newRig(t)
	r.hold()
	r.names()
	replace := func() { r.kernel.Standing[defaultRoute.String()] = false }
	r.pass(time.Second)
	replace()
	r.Changed()
	r.turn()
	expect(t, "events", r.names(), "restored")
	expect(t, "batches", r.kernel.Batches, "[+3 +3 =1]")
	expect(t, "ours", r.kernel.Standing[defaultRoute.String()], true)

	replace() // without a notification
	r.release()
	expect(t, "events", r.names(), "removed replaced")
	expect(t, "left", len(r.kernel.Standing), 1)
}

// TestHolderTakesOver requires that the leftovers of a crashed run are removed.
func TestHolderTakesOver(t *testing.T) {
	r := newRig(t)
	for _, e := range []route.Entry{defaultRoute, rule} {
		r.kernel.Standing[e.String()] = true
	}
	if err := r.TakeOver(); err != nil {
		t.Fatal(err)
	}
	r.turn()
	slices.Sort(r.kernel.Removed)
	expect(t, "removed", r.kernel.Removed, []string{defaultRoute.String(), rule.String()})
	expect(t, "events", r.names(), "removed")
}

// TestConfigure requires that entries that stay are not touched, that others are removed, also if
// the kernel refuses for a while, and that one that is wanted again meanwhile is not.
func TestConfigure(t *testing.T) {
	r := newRig(t)
	hold := func(entries ...route.Entry) {
		r.Configure(r.now, event.Cause{}, map[string][]route.Entry{"a": entries})
		r.Hold(r.now, event.Cause{}, "a")
		r.turn()
	}
	hold(defaultRoute, tableRoute, rule)
	r.kernel.Batches = nil
	hold(defaultRoute, tableRoute, rule)
	expect(t, "the same", r.kernel.Batches, "[]")
	r.kernel.Stuck = errors.New("stuck")
	hold(rule)
	expect(t, "left", len(r.Left()), 2)
	r.Release(r.now, event.Cause{}, "a")
	hold(rule, tableRoute) // tableRoute and rule are held again, defaultRoute still has to be removed
	expect(t, "left", r.Left(), []string{defaultRoute.String()})
	r.kernel.Stuck = nil
	r.pass(time.Second)
	expect(t, "stand", fmt.Sprint(len(r.kernel.Standing), r.kernel.Standing[tableRoute.String()], r.kernel.Standing[rule.String()]), "2 true true")
	hold()
	expect(t, "none", len(r.kernel.Standing), 0)
	via := tableRoute
	via.Interface = "eth1"
	hold(via)
	expect(t, "without its interface", len(r.kernel.Standing), 0)
	r.SeeLink(event.Link{Name: "eth1", Index: 9, AdminUp: true})
	r.turn()
	expect(t, "with it", len(r.kernel.Standing), 1)
	if r.Link("eth0").Index != 0 {
		t.Error("a link that no route names is remembered")
	}
}

// TestHolderShares: a route of two instances exists as long as one of them is held, and never
// counts as another program's.
func TestHolderShares(t *testing.T) {
	r := newRig(t)
	all := []route.Entry{defaultRoute, rule}
	r.Configure(r.now, event.Cause{}, map[string][]route.Entry{"a": all, "b": all})
	r.hold()
	r.Hold(r.now, event.Cause{Trace: 9}, "b")
	r.turn()
	expect(t, "both hold it", r.names(), "added added")
	r.release()
	r.pass(time.Minute)
	expect(t, "one holds it", len(r.kernel.Standing), 2)
	expect(t, "events", r.names(), "")
	r.hold()
	r.Release(r.now, event.Cause{Trace: 9}, "b")
	r.turn()
	r.pass(time.Minute)
	expect(t, "the other holds it", len(r.kernel.Standing), 2)
	r.release()
	r.pass(time.Minute)
	expect(t, "nobody holds it", len(r.kernel.Standing), 0)
	// Release and hold come at once, in either order.
	r.hold()
	r.Release(r.now, event.Cause{Trace: 8}, "a")
	r.Hold(r.now, event.Cause{Trace: 9}, "b")
	r.Add()
	r.turn()
	r.pass(time.Minute)
	expect(t, "after a change of hands", len(r.kernel.Standing), 2)
	r.Hold(r.now, event.Cause{Trace: 8}, "a")
	r.Release(r.now, event.Cause{Trace: 9}, "b")
	r.Release(r.now, event.Cause{Trace: 8}, "a")
	r.turn()
	expect(t, "nobody again", len(r.kernel.Standing), 0)
	if strings.Contains(r.names(), "foreign") {
		t.Error("a route of ours was taken for another program's")
	}
}
