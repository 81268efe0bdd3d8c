package router_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/advert/send/sendtest"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// TestRouterLeads checks the life of a group: from Backup to Active, through a lost link, to the
// end.
func TestRouterLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, edge()[:1])
		b.run()
		settle(0)
		b.want("at the start", b.moves(), []string{"inside initialize->backup startup", "outside initialize->backup startup"})
		b.journal.Take()
		if s := b.router.Groups()[0]; s.State != event.Backup || s.Name != "edge" {
			t.Errorf("the snapshot has %v for %q", s.State, s.Name)
		}

		settle(longest)
		b.want("silence", b.moves(), []string{"inside backup->active active-timeout", "outside backup->active group"})
		b.want("orders to take over", b.journal.Take(), []string{
			"verify 1: eth0 eth1", "arm inside", "arm outside", "start inside", "start outside", "hold inside outside", "engage eth0 eth1",
		})
		if s := b.router.Groups()[0]; s.State != event.Active || s.Members[1].State != event.Active {
			t.Errorf("the state in the snapshot is %v", s.State)
		}
		if n := b.cfg.Stats.Of("outside").Get(stats.ActiveTransitions); n != 1 {
			t.Errorf("%d transitions to Active are counted", n)
		}

		b.link("eth0", false)
		settle(0)
		b.want("a lost link", b.moves(), []string{"inside active->fault interface-down", "outside active->fault group"})
		b.want("orders to leave", b.journal.Take(), []string{"mute inside", "resign outside", "release inside outside", "engage"})

		b.link("eth0", true)
		settle(longest)
		if s := b.router.Groups()[0]; s.State != event.Active {
			t.Errorf("after its return: %v", s.State)
		}
		if n := b.cfg.Stats.Of("inside").Get(stats.ActiveTransitions); n != 2 {
			t.Errorf("%d transitions to Active are counted", n)
		}
		b.journal.Take()
		b.moves()

		b.stop()
		b.want("orders when Run has returned", b.journal.Take(),
			[]string{"resign inside", "resign outside", "release inside outside", "engage"})
		b.want("the end", b.moves(), []string{"inside active->initialize shutdown", "outside active->initialize shutdown"})
	})
}

// TestLeaseIsStamped checks that the loop renews the lease as often as the limit requires, even if no event
// occurs, and that the loop wakes no more often than that.
func TestLeaseIsStamped(t *testing.T) {
	for advertised, every := range map[time.Duration]time.Duration{100 * time.Millisecond: 250 * time.Millisecond, time.Second: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			groups := alone()
			groups[0].Members[0].Interval = advertised
			b := newBench(t, groups)
			b.link("eth0", false) // a group in Fault has no deadline
			b.run()
			settle(0)
			before := b.router.Turns()
			for range 60 * 100 {
				if age := b.cfg.Lease.Age(time.Now()); age > every {
					t.Fatalf("at %v the lease is %v old", advertised, age)
				}
				settle(10 * time.Millisecond)
			}
			if turns, want := b.router.Turns()-before, uint64(time.Minute/every); turns > want {
				t.Errorf("at %v the loop turned %d times in a minute, want %d", advertised, turns, want)
			}
			b.stop()
		})
	}
}

// TestActiveAtRestSleeps checks that the loop of an Active at rest wakes only to renew its lease: waking
// an idle process costs more than the work that it then does.
func TestActiveAtRestSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := alone()
		groups[0].Members[0].Interval = time.Second
		b := newBench(t, groups)
		b.run()
		settle(10 * time.Second)
		if s := b.router.Groups()[0]; s.State != event.Active {
			t.Fatalf("it is %v", s.State)
		}
		before := b.router.Turns()
		settle(time.Minute)
		if turns := b.router.Turns() - before; turns > 60 {
			t.Errorf("the loop turned %d times in a minute, want 60", turns)
		}
		b.stop()
	})
}

// TestHangingLoopLosesTheLease checks that a loop that hangs loses the lease: the engine resigns
// without it, exactly when the lease ends, and the loop starts in Backup when it runs again.
func TestHangingLoopLosesTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		hold, goOn := false, make(chan struct{})
		b.block(func() {
			if hold {
				hold = false
				<-goOn
			}
		})
		sender := &sendtest.Sender{}
		engine := send.New(send.Config{
			Stats: b.cfg.Stats, Lease: b.cfg.Lease, Sender: sender, Waiter: sendtest.NewWaiter(),
			Results: &b.results, Events: &b.events, Minter: b.cfg.Minter, Now: time.Now,
		})
		b.cfg.Engine = engine
		ctx, cancel := context.WithCancel(context.Background())
		kept := make(chan error, 1)
		go func() { kept <- engine.Run(ctx) }()
		b.run()
		settle(longest + 10*interval)
		b.moves()
		b.journal.Take()
		sender.Take()

		hold = true
		b.hear("nobody", 1)
		synctest.Wait()
		end := b.cfg.Lease.Last().Add(lease.Limit(3, interval))
		settle(2 * time.Second)
		sent, _ := sender.Take()
		if len(sent) == 0 {
			t.Fatal("nothing was sent while the loop hung")
		}
		if last := sent[len(sent)-1]; last.Occasion != advert.Resignation || !last.At.Equal(end) {
			t.Errorf("the last advert sent is %q at %v, want the resignation at %v", last.Occasion, last.At, end)
		}

		close(goOn)
		settle(time.Millisecond)
		b.want("once awake", b.moves(), []string{"alone active->backup stalled"})
		b.want("its addresses", b.journal.Take(), []string{"release alone", "engage eth0"})
		b.stop()
		cancel()
		if err := <-kept; err != nil {
			t.Error(err)
		}
	})
}

// TestSleptIsNoticed checks that a loop that wakes long after its alarm makes its Active groups
// listen before it absorbs the queued inputs.
func TestSleptIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		var clock time.Duration // moved while the loop rests
		b.cfg.Now = func() time.Time { return time.Now().Add(clock) }
		b.run()
		settle(longest)
		b.moves()
		clock = 5 * time.Second
		b.heard.Publish(vrrp.Heard{ // a lower one took over meanwhile
			Cause: b.cfg.Minter.Cause(b.cfg.Now()), Instance: "alone",
			Source: netip.MustParseAddr("192.0.2.12"), Priority: 100, Interval: interval,
		})
		settle(0)
		b.want("a lower rival heard after a pause", b.moves(), []string{"alone active->backup stalled"})
		b.stop()
	})
}

// TestAlarmFails checks that the failure of the alarm ends the router, which resigns first.
func TestAlarmFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		broken := errors.New("no more time")
		fail := make(chan struct{})
		b.cfg.Alarm = failing{b.cfg.Alarm, fail, broken}
		b.run()
		settle(longest)
		b.journal.Take()
		close(fail)
		if err := <-b.done; !errors.Is(err, broken) {
			t.Errorf("Run: %v", err)
		}
		b.want("orders", b.journal.Take(), []string{"resign alone", "release alone", "engage"})
	})
}

type failing struct {
	router.Alarm
	fail chan struct{}
	err  error
}

func (f failing) Run(ctx context.Context) error {
	select {
	case <-f.fail:
		return f.err
	case <-ctx.Done():
		return nil
	}
}

// A rival that goes on although this router answers is a warning in force until it falls silent, and
// the log has advert.rival for it.
func TestRivalIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		b.cfg.Warnings = event.NewWarnings(func(e event.Event) { b.events.Publish(e) })
		b.run()
		settle(longest)
		b.ring.Take()
		for range 5 {
			b.hear("alone", 50)
			settle(interval)
		}
		all := b.cfg.Warnings.Of("alone")
		if len(all) != 1 || all[0].Reason != event.WarnRival || !strings.Contains(all[0].Text, "192.0.2.12 goes on as Active with priority 50") {
			t.Errorf("warnings %+v", all)
		}
		var logged []string
		events, _ := b.ring.Take()
		for _, e := range events {
			if e.Name() == "advert.rival" || e.Name() == "instance.warning" {
				logged = append(logged, e.Level().String()+" "+e.Name())
			}
		}
		b.want("the log", logged, []string{"warn advert.rival", "error advert.rival"})
		if settle(longest); len(b.cfg.Warnings.All()) > 0 {
			t.Errorf("it is silent: %+v", b.cfg.Warnings.All())
		}
		b.stop()
	})
}
