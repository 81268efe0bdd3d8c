package router_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
	"ripcord/pkg/vrrp"
)

// lookEvery is how often the loop turns at least while it waits for the worker.
const lookEvery = 250 * time.Millisecond

// stuckable is an address worker that carries out orders at once, except while it is stuck.
type stuckable struct {
	routertest.Addresses
	given, executed atomic.Uint64
	stuck           atomic.Bool
}

var _ router.Addresses = (*stuckable)(nil)

func (s *stuckable) Do(orders ...addr.Order) {
	s.Addresses.Do(orders...)
	if n := s.given.Add(uint64(len(orders))); !s.stuck.Load() {
		s.executed.Store(n)
	}
}

func (s *stuckable) Executed() uint64 { return s.executed.Load() }

func (s *stuckable) goOn() {
	s.stuck.Store(false)
	s.executed.Store(s.given.Load())
}

// faults returns the instance.fault events in a list, as text.
func faults(events []event.Event) (words []string) {
	for _, e := range events {
		if f, ok := e.(event.InstanceFault); ok {
			word := " begins"
			if f.Over {
				word = " ends"
			}
			words = append(words, f.Virtual.Name+" "+string(f.Reason)+word)
		}
	}
	return words
}

func stuckBench(t *testing.T, groups []vrrp.Group) (*bench, *stuckable) {
	b := newBench(t, groups)
	worker := &stuckable{Addresses: routertest.Addresses{Journal: &b.journal}}
	b.cfg.Addresses = worker
	return b, worker
}

// TestWorkerHangsWhileTakingOver checks that a group whose addresses the worker does not place
// within the limit yields, with the reason at level error and in its status, and that it takes
// part again when the worker recovers, and not before.
func TestWorkerHangsWhileTakingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, worker := stuckBench(t, edge()[:1])
		worker.stuck.Store(true)
		b.run()
		settle(longest)
		b.want("silence", b.moves(), []string{
			"inside initialize->backup startup", "outside initialize->backup startup",
			"inside backup->active active-timeout", "outside backup->active group",
		})
		b.journal.Take()
		settle(2*time.Second - 100*time.Millisecond)
		b.want("before the limit", b.moves(), nil)
		settle(lookEvery + 100*time.Millisecond)
		events, _ := b.ring.Take()
		b.want("after it", faults(events), []string{"inside worker-hung begins", "outside worker-hung begins"})
		if !slices.ContainsFunc(events, func(e event.Event) bool {
			f, ok := e.(event.InstanceFault)
			return ok && f.Level() == event.Error && strings.Contains(f.Message(), "has not returned for 2")
		}) {
			t.Errorf("no event has the system call and its duration: %v", events)
		}
		orders := b.journal.Take()
		if !slices.Contains(orders, "resign inside") || !slices.Contains(orders, "resign outside") {
			t.Errorf("orders: %q, want both to resign", orders)
		}
		s := b.router.Groups()[0]
		if s.State != event.Fault || len(s.Members[0].Faults) != 1 || s.Members[0].Faults[0].Reason != event.WorkerHung {
			t.Errorf("the snapshot has %v, %v", s.State, s.Members[0].Faults)
		}
		settle(time.Minute)
		b.want("for as long as it hangs", b.moves(), nil)
		worker.goOn()
		settle(lookEvery)
		events, _ = b.ring.Take()
		b.want("when it goes on", faults(events), []string{"inside worker-hung ends", "outside worker-hung ends"})
		settle(longest)
		if s := b.router.Groups()[0]; s.State != event.Active {
			t.Errorf("after the recovery the state is %v", s.State)
		}
		b.stop()
	})
}

// TestWorkerHangsWhileActive checks that an Active group keeps serving while the worker hangs in
// another order, since its addresses are in place, and that a Backup does not take over.
func TestWorkerHangsWhileActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, worker := stuckBench(t, append(edge()[:1:1], alone()...))
		b.run()
		for range 3 * int(longest/interval) { // "alone" is a Backup
			b.hear("alone", 200)
			settle(interval)
		}
		if s := b.router.Groups(); s[0].State != event.Active || s[1].State != event.Backup {
			t.Fatalf("%v, %v", s[0].State, s[1].State)
		}
		b.moves()
		worker.stuck.Store(true)
		b.hear("inside", 1) // a rival: announce again
		settle(3 * time.Second)
		events, _ := b.ring.Take()
		if got := faults(events); len(got) != 1 || got[0] != "alone worker-hung begins" {
			t.Errorf("faults: %q", got)
		}
		if s := b.router.Groups(); s[0].State != event.Active || s[1].State != event.Fault {
			t.Errorf("%v, %v", s[0].State, s[1].State)
		}
		b.link("eth0", false) // now it must leave, and its addresses cannot be removed
		settle(3 * time.Second)
		events, _ = b.ring.Take()
		if got := faults(events); len(got) != 2 {
			t.Errorf("the addresses stay in place without a report: %q", got)
		}
		b.stop()
	})
}

// TestWorkerIsNotBlamedForAPause checks that the time in which the process stood still does not
// count as a hanging worker.
func TestWorkerIsNotBlamedForAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, worker := stuckBench(t, alone())
		worker.stuck.Store(true)
		hold, goOn := false, make(chan struct{})
		b.block(func() {
			if hold {
				hold = false
				<-goOn
			}
		})
		b.run()
		settle(longest)
		hold = true
		b.hear("nobody", 1)
		settle(10 * time.Second)
		close(goOn)
		synctest.Wait()
		worker.goOn()
		settle(time.Second)
		events, _ := b.ring.Take()
		if got := faults(events); len(got) > 0 {
			t.Errorf("faults: %q", got)
		}
		b.stop()
	})
}

// TestWorkerHangsAgain checks that the pause after which the worker is trusted again doubles each
// time it hangs.
func TestWorkerHangsAgain(t *testing.T) {
	core := router.NewCore(alone(), event.NewMinter(0), time.Time{})
	now := time.Time{}.Add(time.Hour)
	given := uint64(0)
	for round, want := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 40 * time.Second} {
		var out router.Orders
		core.Ordered(now, &router.Orders{Ask: []string{"eth0"}})
		given++
		for range 8 {
			now = now.Add(250 * time.Millisecond)
			core.Executed(now, given-1, &out)
		}
		if got := faults(out.Events); len(got) != 1 {
			t.Fatalf("round %d: faults %q", round, got)
		}
		wentOn := now.Add(time.Second)
		for now = wentOn; ; now = now.Add(250 * time.Millisecond) {
			out = router.Orders{}
			core.Executed(now, given, &out)
			if len(faults(out.Events)) > 0 {
				break
			}
		}
		if got := now.Sub(wentOn); got != want {
			t.Errorf("round %d: trusted after %v, want %v", round, got, want)
		}
	}
}

// TestWorkerIsAwaitedFromTheOrder checks that the time limit of an order begins with the order, even if
// the loop has slept for long before.
func TestWorkerIsAwaitedFromTheOrder(t *testing.T) {
	core := router.NewCore(alone(), event.NewMinter(0), time.Time{})
	now := time.Time{}.Add(time.Hour)
	var out router.Orders
	core.Executed(now, 0, &out)
	now = now.Add(time.Second)
	core.Ordered(now, &router.Orders{Ask: []string{"eth0"}})
	core.Executed(now, 0, &out)
	for range 8 {
		if len(faults(out.Events)) > 0 {
			t.Fatalf("%q, and it is not overdue", faults(out.Events))
		}
		next := core.Wake(now)
		if wait := next.Sub(now); wait > lookEvery {
			t.Errorf("the loop sleeps for %v, and awaits the worker", wait)
		}
		now = next
		core.Executed(now, 0, &out)
	}
	if got := faults(out.Events); len(got) != 1 {
		t.Errorf("faults %q after 2 s, want one", got)
	}
}
