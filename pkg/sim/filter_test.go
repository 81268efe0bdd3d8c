package sim

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestFilteredTakeover checks that a Backup whose kernel drops repeated adverts takes over from
// an Active that dies or resigns at the same time as a Backup that reads every advert, and that
// its kernel drops most adverts until then.
func TestFilteredTakeover(t *testing.T) {
	for _, interval := range []time.Duration{100 * time.Millisecond, time.Second} {
		for _, end := range []string{"dies", "resigns"} {
			for step := range 7 {
				after := 20*interval + time.Duration(step)*interval/2 + interval/10
				read, none := takenOver(t, interval, end, after, true)
				filtered, dropped := takenOver(t, interval, end, after, false)
				what := fmt.Sprintf("%v, it %s after %v", interval, end, after)
				if d := (filtered - read).Abs(); d > 2*waking {
					t.Errorf("%s: took over after %v with the filter, after %v without", what, filtered, read)
				}
				if none != 0 || dropped < uint64(after/interval)/3 {
					t.Errorf("%s: the kernel drops %d adverts with the filter, %d without", what, dropped, none)
				}
			}
		}
	}
}

// takenOver ends the Active some time after both routers have settled. It returns how long the
// Backup takes to become Active, and how many adverts its kernel has dropped by then.
func takenOver(t *testing.T, interval time.Duration, end string, after time.Duration, each bool) (took time.Duration, dropped uint64) {
	t.Helper()
	w := wired(1, setup{interval: interval, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4})
	w.ReadEach = each
	a, b := w.Routers[0], w.Routers[1]
	a.Start()
	play(w, 5*interval)
	b.Start()
	play(w, after)
	for _, s := range b.receiver.filter.sockets {
		for _, slot := range s.slots {
			if slot != nil {
				dropped += slot.count
			}
		}
	}
	at := w.now
	if end == "dies" {
		a.Crash()
	} else {
		a.Stop()
	}
	for !b.active() && w.now.Sub(at) < 10*interval {
		play(w, 50*time.Microsecond)
	}
	return w.now.Sub(at), dropped
}

// TestFilterForgetsOrders: after a reload the order for an instance holds no longer if its name now
// belongs to another virtual router.
func TestFilterForgetsOrders(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(g *vrrp.Group)
		allowed bool
	}{
		{"the same virtual router", func(g *vrrp.Group) { g.Members[0].Priority = 90 }, true},
		{"another virtual router", func(g *vrrp.Group) { g.Members[0].VRID++ }, false},
	} {
		w := wired(1, setup{interval: 100 * time.Millisecond, priorities: []uint8{150, 100}, preempt: true, family: event.IPv4})
		a, b := w.Routers[0], w.Routers[1]
		a.Start()
		play(w, time.Second)
		b.Start()
		play(w, 3*time.Second)
		filter, name := &b.receiver.filter, b.groups[0].Members[0].Name
		if !filter.allowed[name] {
			t.Fatalf("%s: the router gave no order before the reload", tt.name)
		}
		b.Reload(tt.change)
		if got := filter.allowed[name]; got != tt.allowed {
			t.Errorf("%s: the order is still valid: %v, want %v", tt.name, got, tt.allowed)
		}
	}
}
