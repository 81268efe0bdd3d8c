package liveness

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
)

// cable is a LAN with one station, which answers questions while it lives.
type cable struct {
	mu     sync.Mutex
	dead   bool
	queue  []neigh.Sighting
	closed int
}

func (c *cable) Send(frames []neigh.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		target := netip.AddrFrom4([4]byte(f.Data[38:42]))
		if !c.dead || target == host {
			seen := neigh.Sighting{Index: f.Index, Address: target, MAC: mac, Answer: true}
			if target == host {
				seen.MAC = hostMAC
			}
			c.queue = append(c.queue, seen)
		}
	}
}

func (c *cable) Read(heard func(neigh.Sighting)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.queue {
		heard(s)
	}
	c.queue = nil
	return true
}

func (c *cable) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func (c *cable) die() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

// watcherOn returns a watcher on a cable, and its reports.
func watcherOn(c *cable, open func() (Answers, error), failed func(error), now func() time.Time) (w *Watcher, bell bus.Bell, reports *bus.Ring[vrrp.Result]) {
	var results bus.Topic[vrrp.Result]
	links := bus.NewRetained[string, event.Link]()
	bell = bus.NewBell()
	reports = bus.SubscribeRing(&results, bell, 100)
	up := eth0
	up.Primary4 = netip.MustParseAddr("192.0.2.11")
	links.Publish(up)
	return New(Config{
		Links: links, Results: &results, Minter: event.NewMinter(1), Sender: c, Open: open, Failed: failed, Now: now,
		OtherStations: func(string, [6]byte, int) []netip.Addr { return []netip.Addr{host} },
	}), bell, reports
}

// TestWatcherCannotHear requires that without a receiver of answers no question is sent, and that
// opening it is tried again.
func TestWatcherCannotHear(t *testing.T) {
	now, c, failures := zero, &cable{}, 0
	w, _, _ := watcherOn(c, func() (Answers, error) {
		if failures == 0 {
			return nil, errors.New("no descriptors")
		}
		return c, nil
	}, func(error) { failures++ }, func() time.Time { return now })
	w.Watch(vrrp.Watch{Instance: instance("a"), Active: active})
	w.turn()
	if at, ok := w.deadline(); failures != 1 || !ok || at.Sub(now) != retryEvery {
		t.Errorf("%d failures, next at %v", failures, at.Sub(now))
	}
	now = now.Add(retryEvery)
	w.turn()
	if w.answers == nil || failures != 1 {
		t.Error("opening is not tried again")
	}
}

// TestWatcher goes from an order to the report that the machine is silent, and to the end of the
// watch, by the clock of the goroutine.
func TestWatcher(t *testing.T) { synctest.Test(t, watches) }

func watches(t *testing.T) {
	c := &cable{}
	w, bell, reports := watcherOn(c, func() (Answers, error) { return c, nil }, func(err error) { t.Error(err) }, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	defer running.Wait()
	defer cancel()

	in := instance("a")
	in.Watching.Interval = 20 * ms
	w.Watch(vrrp.Watch{Instance: in, Active: active})
	want := func(liveness vrrp.Liveness) (got vrrp.Watched) {
		t.Helper()
		for timeout := time.After(20 * time.Second); ; {
			select {
			case <-bell:
			case <-timeout:
				t.Fatalf("%v is not reported", liveness)
			}
			all, _ := reports.Take()
			for _, r := range all {
				if got = r.(vrrp.Watched); got.Liveness == liveness {
					return got
				}
			}
		}
	}
	want(vrrp.Answering)
	if answered, asked := w.Answered(in.Interface, active); asked < minAnswers-1 || answered != asked {
		t.Errorf("the machine answered %d of %d", answered, asked)
	}
	c.die()
	if got := want(vrrp.Silent); got.Instance != "a" || got.Active != active || got.OtherStations != vrrp.OtherStationsAnswer || got.Cause.At.Sub(got.Since) < 50*ms {
		t.Errorf("%+v", got)
	}
	w.Watch(vrrp.Watch{Instance: in})
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(ms) {
		c.mu.Lock()
		closed := c.closed
		c.mu.Unlock()
		if closed > 0 || time.Now().After(deadline) {
			break
		}
	}
	cancel()
	running.Wait()
	if _, asked := w.Answered(in.Interface, active); asked != 0 {
		t.Errorf("%d questions are counted for a machine that is not watched", asked)
	}
	if c.closed != 1 {
		t.Errorf("closed %d times", c.closed)
	}
}
