package send_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/advert/send/sendtest"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// rig is an engine on virtual time, with fakes for the other parts.
type rig struct {
	*send.Engine
	sender  *sendtest.Sender
	lease   *lease.Lease
	stats   stats.Map
	results *bus.Ring[vrrp.Result]
	events  *bus.Ring[event.Event]
	late    []time.Duration // as reported, in order
	record  *recorder
	begin   time.Time
	stop    func()
}

// otherResults returns the results except the reports that a first advert has left, of which
// there is one for each start.
func (r *rig) otherResults(t *testing.T) (rest []vrrp.Result) {
	t.Helper()
	results, _ := r.results.Take()
	for _, res := range results {
		if p, ok := res.(vrrp.Probed); !ok || len(p.Refused) > 0 {
			rest = append(rest, res)
		}
	}
	return rest
}

// TestEngineReportsFirstAdverts checks that the result of a first advert is reported, when it
// left and each time it is refused, and that those of later adverts are not.
func TestEngineReportsFirstAdverts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := errors.New("no")
		r := run(t, func(m advert.Message) error {
			if m.Instance == "a" {
				return refuse
			}
			return nil
		})
		armed := startOrder("b", time.Second)
		armed.When = r.begin.Add(100 * time.Millisecond)
		r.Do(startOrder("a", time.Second), armed)
		r.alive(time.Second + time.Second/2)
		refuse = nil
		r.alive(3 * time.Second)
		r.stop()
		results, _ := r.results.Take()
		var got []string
		for _, res := range results {
			if p, ok := res.(vrrp.Probed); ok {
				got = append(got, fmt.Sprintf("%s %v %v %s", p.Instance, p.Cause.At.Sub(r.begin), p.Refused, p.Err))
			}
		}
		want(t, strings.Join(got, ", "), "a 0s [invalid IP] no, b 100ms [] , a 1s [invalid IP] no, a 2s [] ")
	})
}

// run starts an engine in the bubble; fail returns the kernel's error for a message.
func run(t *testing.T, fail func(advert.Message) error) *rig {
	r := &rig{
		sender: &sendtest.Sender{Fail: fail}, begin: time.Now(), lease: lease.New(time.Now()),
		stats: stats.Map{"a": {}, "b": {}}, record: &recorder{left: func() int { return 0 }},
	}
	var results bus.Topic[vrrp.Result]
	var events bus.Topic[event.Event]
	r.results = bus.SubscribeRing(&results, bus.NewBell(), 1000)
	r.events = bus.SubscribeRing(&events, bus.NewBell(), 1000)
	r.Engine = send.New(send.Config{
		Stats: r.stats, Lease: r.lease, Sender: r.sender, Waiter: sendtest.NewWaiter(),
		Results: &results, Events: &events, Minter: event.NewMinter(1 << 32), Now: time.Now,
		Late: func(d time.Duration) { r.late = append(r.late, d) }, Record: r.record,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	if said, _ := r.events.Take(); len(said) != 1 || said[0].Name() != "engine.thread" {
		t.Errorf("at the start it published %v, want the scheduling of its thread", said)
	}
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

func startOrder(name string, interval time.Duration) advert.Order {
	return advert.Order{
		Kind: advert.Start, Instance: name, Interval: interval, Miss: 3,
		Cause: event.Cause{Trace: 5, At: time.Now()},
		Advert: advert.Frames{
			Index: 7, Source: netip.MustParseAddr("192.0.2.1"),
			Copies: []advert.Copy{{Advert: []byte(name), Resign: []byte("resign " + name)}},
		},
	}
}

// alive sleeps in virtual time while the lease is renewed as by a loop that turns.
func (r *rig) alive(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		r.lease.Stamp(time.Now())
		time.Sleep(min(lease.Shortest, time.Until(end)))
	}
	r.lease.Stamp(time.Now())
	synctest.Wait()
}

// sent returns the messages sent since the last call, as "payload@instant".
func (r *rig) sent() string {
	var out []string
	messages, _ := r.sender.Take()
	for _, m := range messages {
		out = append(out, fmt.Sprintf("%s@%v", m.Payload, m.At.Sub(r.begin)))
	}
	return strings.Join(out, ", ")
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEngineKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, nil)
		r.alive(time.Second / 2)
		r.Do(startOrder("a", time.Second), startOrder("b", time.Second))
		r.alive(2 * time.Second)
		want(t, r.sent(), "a@500ms, b@500ms, a@1.5s, b@1.5s, a@2.5s, b@2.5s")
		r.Do(advert.Order{Kind: advert.Now, Instance: "a"})
		r.Do(advert.Order{Kind: advert.Mute, Instance: "b"})
		r.alive(1500 * time.Millisecond)
		want(t, r.sent(), "a@2.5s, a@3.5s")
		r.Do(advert.Order{Kind: advert.Resign, Instance: "a", Cause: event.Cause{Trace: 9}})
		r.stop()
		want(t, r.sent(), "resign a@4s")

		for c, n := range map[stats.Counter]uint64{stats.AdvertisementSent: 6, stats.PriorityZeroSent: 1} {
			if got := r.stats["a"].Get(c); got != n {
				t.Errorf("%v of a: %d, want %d", c, got, n)
			}
		}
		if len(r.late) != 6 {
			t.Errorf("lateness was reported %d times, want once for each repeat: 6", len(r.late))
		}
		// In steady state nothing is published.
		events, _ := r.events.Take()
		var out []string
		for _, e := range events {
			s := e.(event.AdvertSent)
			out = append(out, fmt.Sprintf("%s %s %d %v", s.Instance, s.Kind, s.Cause.Trace, s.Took))
		}
		want(t, strings.Join(out, ", "), "a first 5 0s, b first 5 0s, a resign 9 0s")
		if results := r.otherResults(t); len(results) != 0 {
			t.Errorf("results %v", results)
		}
	})
}

// TestEngineLatenessHasTheSendingInIt checks that the lateness of an advert is measured until the
// kernel had it, not until the engine began to send.
func TestEngineLatenessHasTheSendingInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, func(advert.Message) error {
			time.Sleep(2 * time.Millisecond) // the kernel takes its time
			return nil
		})
		r.Do(startOrder("a", time.Second), startOrder("b", time.Second))
		r.alive(1500 * time.Millisecond)
		if want := []time.Duration{4 * time.Millisecond, 4 * time.Millisecond}; !slices.Equal(r.late, want) {
			t.Errorf("late by %v, want %v: one batch of two adverts", r.late, want)
		}
		r.stop()
	})
}

func TestEngineOrdersOfOneDoAreOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, nil)
		defer r.stop()
		var orders []advert.Order
		for i := range 100 {
			orders = append(orders, startOrder(fmt.Sprint(i), time.Second))
		}
		r.Do(orders...)
		synctest.Wait()
		if sent, batches := r.sender.Take(); len(sent) != 100 || batches != 1 {
			t.Errorf("%d adverts in %d batches, want 100 in 1", len(sent), batches)
		}
	})
}

func TestEngineResignsForAHungLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, nil)
		defer r.stop()
		r.Do(startOrder("a", time.Second))
		r.alive(1300 * time.Millisecond)
		r.sent()
		time.Sleep(10 * time.Second) // the loop is blocked; its lease is 3 s
		want(t, r.sent(), "a@2s, a@3s, a@4s, resign a@4.3s")
		results := r.otherResults(t)
		if len(results) != 1 || results[0].(vrrp.LeaseLost).Gap != 3*time.Second || results[0].Key().Subject != "a" {
			t.Errorf("results %v", results)
		}
		if got := r.stats["a"].Get(stats.PriorityZeroSent); got != 1 {
			t.Errorf("%d resignations counted", got)
		}
		events, _ := r.events.Take()
		var names []string
		for _, e := range events {
			names = append(names, e.Name())
		}
		want(t, strings.Join(names, ", "), "advert.sent, advert.sent, engine.lease")
		if took := events[1].(event.AdvertSent).Took; took != 0 {
			t.Errorf("the resignation took %v", took)
		}
	})
}

func TestEngineStallsInsteadOfABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		paused := false
		r = run(t, func(advert.Message) error {
			if !paused { // the process is stopped while it sends its first advert
				paused = true
				time.Sleep(10 * time.Second)
			}
			return nil
		})
		r.Do(startOrder("a", time.Second))
		time.Sleep(10 * time.Second)
		r.lease.Stamp(time.Now())
		r.alive(1500 * time.Millisecond)
		r.stop()
		want(t, r.sent(), "a@10s, a@11s")
		results := r.otherResults(t)
		if len(results) != 1 || results[0].(vrrp.Stalled).Gap != 9*time.Second {
			t.Errorf("results %v", results)
		}
	})
}

func TestEngineReportsFailingSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refuse error
		r := run(t, func(m advert.Message) error {
			if m.Instance == "a" {
				return refuse
			}
			return nil
		})
		r.Do(startOrder("a", time.Second), startOrder("b", time.Second))
		r.alive(time.Second / 2)
		refuse = errors.New("no")
		r.alive(12 * time.Second)
		refuse = nil
		r.alive(2 * time.Second)
		r.stop()

		results := r.otherResults(t)
		var rows []string
		for _, res := range results {
			s := res.(vrrp.Sends)
			rows = append(rows, fmt.Sprintf("%s%d%s", s.Instance, s.InRow, s.Err))
		}
		want(t, strings.Join(rows, " "), "a1no a2no a3no a4no a5no a6no a7no a8no a9no a10no a11no a12no a0")
		var logged []string
		events, _ := r.events.Take()
		for _, e := range events {
			if f, ok := e.(event.AdvertFailed); ok {
				logged = append(logged, fmt.Sprintf("%s %d %v", f.Err, f.Count, f.At.Sub(r.begin)))
			}
		}
		want(t, strings.Join(logged, ", "), "no 1 1s, no 3 3s, no 11 11s")
		if a, b := r.stats["a"].Get(stats.AdvertisementSent), r.stats["b"].Get(stats.AdvertisementSent); b-a != 12 {
			t.Errorf("a counts %d as sent, b %d: 12 failed", a, b)
		}
	})
}

// TestEngineLogsFewFailures checks the log for a queue that accepts one advert in four, so that a
// third one in a row is refused again and again: there are five lines in ten seconds.
func TestEngineLogsFewFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		r := run(t, func(advert.Message) error {
			if n++; n%4 == 1 {
				return nil
			}
			return errors.New("no buffer space available")
		})
		r.Do(startOrder("a", 100*time.Millisecond))
		r.alive(20 * time.Second)
		r.stop()
		lines := 0
		events, _ := r.events.Take()
		for _, e := range events {
			if _, ok := e.(event.AdvertFailed); ok {
				lines++
			}
		}
		if lines < 4 || lines > 10 {
			t.Errorf("%d lines of 150 refused adverts in 20 s, want 4 to 10", lines)
		}
	})
}

func TestEngineEndsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, nil)
		synctest.Wait()
		r.stop()
		r.Do(startOrder("a", time.Second)) // nobody runs: it must not block
		want(t, r.sent(), "")
	})
}

// recorder records calls, with the number of adverts sent before.
type recorder struct {
	left  func() int
	lines []string
}

func (r *recorder) Sent(instance string, priority uint8, _ time.Time) {
	r.lines = append(r.lines, fmt.Sprintf("%s %d", instance, priority))
}

func (r *recorder) Silent(instance string) {
	r.lines = append(r.lines, fmt.Sprintf("%s silent before %d", instance, r.left()))
}

// TestEngineRecords checks that an advert is recorded if it left to all its destinations, and
// that an instance is recorded as silent before its resignation leaves.
func TestEngineRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, sent := netip.MustParseAddr("192.0.2.9"), 0
		r := run(t, func(m advert.Message) error {
			sent++
			if m.To == refused {
				return errors.New("no")
			}
			return nil
		})
		r.record.left = func() int { return sent }
		a, b, c := startOrder("axy", time.Second), startOrder("bxz", time.Second), startOrder("cxz", time.Second)
		b.Advert.Copies = append(b.Advert.Copies, advert.Copy{To: refused, Advert: []byte("bxz"), Resign: []byte("rrr")})
		c.Kind = advert.Probe
		r.Do(a, b, c)
		r.alive(time.Second + time.Second/2)
		r.Do(advert.Order{Kind: advert.Resign, Instance: "axy"}, advert.Order{Kind: advert.Mute, Instance: "bxz"})
		r.alive(time.Second)
		r.stop()
		want(t, strings.Join(r.record.lines, ", "), "axy 121, axy 121, axy silent before 7, bxz silent before 7")
	})
}
