package machine

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var (
	zero = time.Unix(100, 0)
	one  = netip.MustParseAddr("192.0.2.1")
	two  = netip.MustParseAddr("192.0.2.2")
)

// TestRefusedTo checks that each unicast peer has its own count, that the count of the multicast
// group is the greatest, and that an advert that left resets it.
func TestRefusedTo(t *testing.T) {
	var h sends
	h.note(vrrp.Sends{To: one, InRow: 2, Err: "no"})
	h.note(vrrp.Sends{To: two, InRow: 5, Err: "never"})
	if h.refusedTo(one, true) != 2 || h.refusedTo(two, true) != 5 || h.refusedTo(wire.Group4, true) != 0 || h.refusedTo(one, false) != 5 {
		t.Errorf("refused: %v", h.refused)
	}
	if want := "another Active is heard, but adverts of this router do not leave: never"; h.describe() != want {
		t.Errorf("described as %q", h.describe())
	}
	h.note(vrrp.Sends{To: one})
	h.note(vrrp.Sends{To: two})
	if h.refused != nil {
		t.Errorf("refused: %v, want nil", h.refused)
	}
}

// TestProbes checks that the first probe follows 10 s after the failure, each next one after
// twice the pause, at most 5 min, and that a router that fails again soon after the proof
// continues from there.
func TestProbes(t *testing.T) {
	var h sends
	now := zero
	h.fail(now)
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		if got := h.probeAt.Sub(now); got != want*time.Second {
			t.Errorf("probe %d comes after %v, want %v s", i, got, want)
		}
		now = h.probeAt
		h.fail(now.Add(-time.Second)) // while an Active is heard the hold-off is not restarted
		h.probe(now)
	}
	h.prove(now)
	if h.unproven || !h.probeAt.IsZero() {
		t.Errorf("not proved: %+v", h)
	}
	for _, c := range []struct{ after, hold time.Duration }{{maxProbePause - 1, maxProbePause}, {maxProbePause, minProbePause}} {
		again := h
		again.fail(now.Add(c.after))
		if got := again.probeAt.Sub(now.Add(c.after)); got != c.hold {
			t.Errorf("failed %v after the proof: probed after %v, want %v", c.after, got, c.hold)
		}
	}
}

// TestRetryAt checks that the fault is examined when a probe is due or no Active is heard any
// more, but not before it began.
func TestRetryAt(t *testing.T) {
	var h sends
	h.fail(zero)
	for _, c := range []struct{ heard, want time.Duration }{{time.Minute, minProbePause}, {time.Second, time.Second}, {-time.Second, 0}} {
		if got := h.retryAt(zero.Add(c.heard)).Sub(zero); got != c.want {
			t.Errorf("heard until %v: %v, want %v", c.heard, got, c.want)
		}
	}
}

// TestEarly checks that the report of a first advert belongs to this takeover if the advert was
// sent at its instant or later.
func TestEarly(t *testing.T) {
	var c confirmation
	if _, ok := c.early(time.Time{}); ok {
		t.Error("early returns a report although there is none")
	}
	c.result = vrrp.Probed{Cause: event.Cause{At: zero}, Err: "no"}
	if first, ok := c.early(zero); !ok || first.Err != "no" {
		t.Errorf("%+v, %v", first, ok)
	}
	if _, ok := c.early(zero.Add(1)); ok {
		t.Error("early returns a report of the previous takeover")
	}
}
