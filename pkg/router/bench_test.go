package router_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// bench is a Router with fakes for the other parts, in virtual time.
type bench struct {
	t       *testing.T
	cfg     router.Config
	router  *router.Router
	links   *bus.Retained[string, event.Link]
	heard   bus.Topic[vrrp.Heard]
	results bus.Topic[vrrp.Result]
	events  bus.Topic[event.Event]
	ring    *bus.Ring[event.Event]
	journal routertest.Journal
	seq     atomic.Uint64
	cancel  context.CancelFunc
	done    chan error
}

// newBench returns a bench of the given groups. Its cfg may be changed before run.
func newBench(t *testing.T, groups []vrrp.Group) *bench {
	b := &bench{t: t, links: bus.NewRetained[string, event.Link](), done: make(chan error, 1)}
	b.ring = bus.SubscribeRing(&b.events, nil, 1000)
	b.cfg = router.Config{
		Groups: groups, Stats: make(stats.Map),
		Links: b.links, Heard: &b.heard, Results: &b.results, Events: &b.events,
		Engine: routertest.Engine{Journal: &b.journal}, Addresses: routertest.Addresses{Journal: &b.journal},
		Receiver:  routertest.Receiver{Results: &b.results},
		Confirmer: routertest.Confirmer{Journal: &b.journal, Results: &b.results},
		Lease:     lease.New(time.Now()), Minter: event.NewMinter(0), Alarm: routertest.NewAlarm(), Now: time.Now,
	}
	for _, g := range groups {
		for _, m := range g.Members {
			b.cfg.Stats.(stats.Map)[m.Name] = new(stats.Counters)
			b.link(m.Interface, true)
		}
	}
	return b
}

// run starts the router with what the previous daemon has left: groups to adopt, and Actives that it
// heard. It is stopped when the test ends.
func (b *bench) run(left ...vrrp.Input) {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.router = router.New(b.cfg)
	var adopted []vrrp.Adopted
	var recalled []vrrp.Recalled
	for _, in := range left {
		switch in := in.(type) {
		case vrrp.Adopted:
			adopted = append(adopted, in)
		case vrrp.Recalled:
			recalled = append(recalled, in)
		}
	}
	b.router.Adopt(adopted)
	b.router.Recall(recalled)
	go func() { b.done <- b.router.Run(ctx) }()
	b.t.Cleanup(cancel)
}

// stop ends the router and waits for it.
func (b *bench) stop() {
	b.t.Helper()
	b.cancel()
	if err := <-b.done; err != nil {
		b.t.Errorf("Run: %v", err)
	}
}

func (b *bench) link(name string, usable bool) {
	seq := b.seq.Add(1)
	l := event.Link{
		Cause: event.Cause{Trace: event.Trace(seq), At: time.Now()}, Seq: seq, Name: name, Index: 2,
		Usable: usable, AdminUp: true, Carrier: usable, Primary4: netip.MustParseAddr("192.0.2.11"),
	}
	if !usable {
		l.Downs = 1
	}
	b.links.Publish(l)
}

func (b *bench) hear(instance string, priority uint8) {
	b.heard.Publish(vrrp.Heard{
		Cause: b.cfg.Minter.Cause(time.Now()), Instance: instance,
		Source: netip.MustParseAddr("192.0.2.12"), Priority: priority, Interval: interval,
	})
}

func (b *bench) answer(ticket uint64) {
	b.results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Receiver})
	b.results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Confirmer})
}

// moves returns the transitions since the last call, as "inside active->fault interface-down".
func (b *bench) moves() []string {
	var moves []string
	events, _ := b.ring.Take()
	for _, e := range events {
		if e, ok := e.(event.InstanceTransition); ok {
			moves = append(moves, fmt.Sprintf("%s %s->%s %s", e.Virtual.Name, e.From, e.To, e.Reason))
		}
	}
	return moves
}

func (b *bench) want(what string, got, want []string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// block makes f run in each turn of the loop.
func (b *bench) block(f func()) {
	b.cfg.Addresses = routertest.Blocking{Addresses: b.cfg.Addresses, Block: f}
}

// settle advances the time by d and waits until all goroutines are blocked.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func alone() []vrrp.Group {
	return []vrrp.Group{{Members: []vrrp.Instance{instance("", "alone", "eth0", 1)}}}
}

// longest is the Active_Down_Interval of the test's instances, rounded up.
const longest = 4 * interval
