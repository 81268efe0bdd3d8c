package daemon

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/advert/send/sendtest"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// These are the kernel and the network of a worker: nothing happens, except that a call of the
// kernel may hang.
type (
	hangingKernel struct {
		addr.Kernel
		gate *routertest.Gate
	}
	noRoutes   struct{ addr.Routes }
	noDevices  struct{ macvlan.Kernel }
	noPackets  struct{}
	noListener struct{}
)

func (k hangingKernel) List() ([]addr.Standing, error)                { return nil, nil }
func (k hangingKernel) Up(int) bool                                   { return true }
func (k hangingKernel) AddBatch([]addr.Op) error                      { k.gate.Pass(); return nil }
func (k hangingKernel) RemoveBatch([]addr.Op) error                   { return nil }
func (k hangingKernel) PromoteSecondaries(int, string) error          { return nil }
func (k hangingKernel) Mark([]addr.Op) error                          { return nil }
func (k hangingKernel) RestoreSecondaries() ([]string, error)         { return nil, nil }
func (noRoutes) List() ([]route.Op, error)                            { return nil, nil }
func (noRoutes) Watch(ctx context.Context, _ func())                  { <-ctx.Done() }
func (noDevices) Links() ([]macvlan.Link, error)                      { return nil, nil }
func (noDevices) Restore([]string) error                              { return nil }
func (noPackets) Send([]neigh.Frame)                                  {}
func (noListener) Listen(ctx context.Context, _ func(neigh.Sighting)) { <-ctx.Done() }

// hangingSender hangs when an advert is passed to the kernel.
type hangingSender struct {
	sendtest.Sender
	gate *routertest.Gate
}

func (s *hangingSender) Send(batch []advert.Message) { s.gate.Pass(); s.Sender.Send(batch) }

// watchedParts are the three parts, each with a gate at which it can be made to hang, and a function
// that makes it pass the gate.
type watchedParts struct {
	gates    map[string]*routertest.Gate
	pass     map[string]func()
	dog      *watchdog
	fed      atomic.Int64
	reported chan event.Event
}

func newWatchedParts(t *testing.T) *watchedParts {
	w := &watchedParts{
		gates: map[string]*routertest.Gate{"router": {}, "adverts": {}, "addresses": {}}, reported: make(chan event.Event, 100),
	}
	lease, minter := lease.New(time.Now()), event.NewMinter(0)
	links := bus.NewRetained[string, event.Link]()
	events, results, heard := new(bus.Topic[event.Event]), new(bus.Topic[vrrp.Result]), new(bus.Topic[vrrp.Heard])
	links.Publish(event.Link{Seq: 1, Name: "eth0", Index: 1, AdminUp: true, Usable: true})

	engine := send.New(send.Config{
		Stats: stats.Map{}, Lease: lease, Sender: &hangingSender{gate: w.gates["adverts"]}, Waiter: sendtest.NewWaiter(),
		Results: results, Events: events, Minter: minter, Now: time.Now,
	})
	set := addr.Set{Instance: "a", Interval: time.Second, Miss: 3, Announce: addr.Announce{Count: 1}}
	set.Addresses = []addr.Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Interface: "eth0"}}
	worker := addr.NewWorker(addr.Config{
		Sets: []addr.Set{set}, Lease: lease, Links: links, Addresses: new(bus.Topic[event.Address]), Heard: heard, Results: results,
		Events: events, Warnings: event.NewWarnings(func(e event.Event) { events.Publish(e) }), Minter: minter,
		Kernel: hangingKernel{gate: w.gates["addresses"]}, Routes: noRoutes{}, Devices: noDevices{}, Firewall: addr.NoFirewall{},
		Sender: noPackets{}, Listener: noListener{}, Now: time.Now, Waiter: sendtest.NewWaiter(),
	})
	loop := router.New(router.Config{
		Stats: stats.Map{}, Links: links, Heard: heard, Results: results, Events: events,
		Engine: engine, Addresses: routertest.Blocking{Addresses: worker, Block: w.gates["router"].Pass}, Receiver: routertest.Receiver{Results: results},
		Confirmer: routertest.Confirmer{Journal: new(routertest.Journal), Results: results},
		Lease:     lease, Minter: minter, Alarm: routertest.NewAlarm(), Now: time.Now,
	})
	w.pass = map[string]func(){
		"router": loop.Wake,
		"adverts": func() {
			engine.Do(advert.Order{Kind: advert.Start, Instance: "a", Interval: time.Second, Miss: 3, Advert: advert.Frames{Copies: []advert.Copy{{Advert: make([]byte, 8)}}}})
		},
		"addresses": func() { worker.Do(addr.Order{Kind: addr.Hold, Instances: []string{"a"}}) },
	}
	w.dog = &watchdog{
		parts: []watched{{name: "router", part: loop}, {name: "adverts", part: engine}, {name: "addresses", part: worker}},
		limit: 10 * time.Second, feed: func() { w.fed.Add(1) }, report: func(e event.Event) { w.reported <- e },
	}
	running := stage{"router": loop.Run, "adverts": engine.Run, "addresses": worker.Run, "watchdog": w.dog.run}.start(func() {})
	t.Cleanup(func() {
		for _, g := range w.gates {
			g.Open()
		}
		running.cancel()
		synctest.Wait()
	})
	return w
}

// TestWatchdog requires that the service manager's watchdog is fed while all parts make progress,
// and not while the loop, the engine or the worker hangs.
func TestWatchdog(t *testing.T) {
	for _, part := range []string{"router", "adverts", "addresses"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatchedParts(t)
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := w.fed.Load(); n < 25 || len(w.reported) > 0 {
					t.Fatalf("fed %d times in a minute, want 30; reported %d times", n, len(w.reported))
				}
				w.gates[part].Close()
				w.pass[part]()
				time.Sleep(2500 * time.Millisecond) // it may have turned just before
				w.fed.Store(0)
				time.Sleep(7500 * time.Millisecond)
				synctest.Wait()
				if n := w.fed.Load(); n > 0 {
					t.Errorf("fed %d times while the part hangs", n)
				}
				if len(w.reported) != 1 {
					t.Fatalf("reported %d times, want once", len(w.reported))
				}
				hung := (<-w.reported).(event.DaemonHung)
				if hung.Part != part || hung.Level() != event.Error || hung.Gap < 5*time.Second || !strings.Contains(hung.Message(), "service manager") {
					t.Errorf("reported %+v: %s", hung, hung.Message())
				}
				w.gates[part].Open()
				w.fed.Store(0)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if n := w.fed.Load(); n < 3 {
					t.Errorf("fed %d times after the part continued", n)
				}
				if len(w.reported) != 1 || !(<-w.reported).(event.DaemonHung).Over {
					t.Error("the watchdog does not report that the part continues")
				}
			})
		})
	}
}

// still is a part that turns once for each Wake, or hangs.
type still struct {
	turns uint64
	hangs bool
}

func (s *still) Turns() uint64 { return s.turns }
func (s *still) Wake() {
	if !s.hangs {
		s.turns++
	}
}

// TestWatchdogAlone requires that a watchdog that did not run itself blames no part, and that without
// a service manager, too, a part that hangs is reported.
func TestWatchdogAlone(t *testing.T) {
	part, reported := &still{}, []event.Event(nil)
	w := &watchdog{parts: []watched{{name: "adverts", part: part}}, report: func(e event.Event) { reported = append(reported, e) }}
	now := time.Now()
	w.credit(now)
	for i := range 10 {
		w.wake()
		part.hangs = i >= 5
		now = now.Add(time.Second)
		if i == 7 {
			now = now.Add(time.Hour)
			w.credit(now)
		}
		progress := w.look(now, 3*time.Second)
		if want := i <= 5; progress != want {
			t.Errorf("look %d: progress %t", i, progress)
		}
	}
	if len(reported) > 0 {
		t.Errorf("reported %v", reported)
	}
	w.look(now.Add(2*time.Second), 3*time.Second)
	if len(reported) != 1 || slices.ContainsFunc(reported, func(e event.Event) bool { return !strings.Contains(e.Message(), "restart ripcord if") }) {
		t.Errorf("reported %v", reported)
	}
}
