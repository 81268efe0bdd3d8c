package advert

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// crowd drives a plan of many instances and records when each advertises.
type crowd struct {
	t        *testing.T
	plan     *Plan
	now      time.Time
	interval time.Duration
	last     map[string]time.Time // when each advertised last
	batches  []int                // their sizes, since the last take
}

func newCrowd(t *testing.T, interval time.Duration) *crowd {
	return &crowd{t: t, plan: NewPlan(nil), now: t0, interval: interval, last: make(map[string]time.Time)}
}

// order sends an order for all instances, on alternating links.
func (c *crowd) order(k Kind, instances int) {
	var given []Given
	for i := range instances {
		o := start(fmt.Sprint("i", i), c.interval)
		o.Kind, o.Advert.Index = k, 1+i%4
		given = append(given, Given{Order: o, At: c.now})
	}
	c.turn(given...)
}

func (c *crowd) turn(given ...Given) {
	turn := c.plan.Turn(c.now, c.now, given)
	for i := range turn.Batch {
		c.last[turn.Batch[i].Instance] = c.now
	}
	if len(turn.Batch) > 0 {
		c.batches = append(c.batches, len(turn.Batch))
	}
	outcomes(c.plan)
}

// run advances the time, and checks that each instance advertises at least once an interval.
func (c *crowd) run(d time.Duration) {
	c.t.Helper()
	for end := c.now.Add(d); ; c.turn() {
		next, ok := c.plan.Next(c.now)
		if !ok || next.After(end) {
			c.now = end
			break
		}
		c.now = next
		for name, at := range c.last {
			if late := c.now.Sub(at) - c.interval; late > maxSlack { // the previous one may have left early
				c.t.Fatalf("%s has not advertised for %v more than its interval", name, late)
			}
		}
	}
}

// nextBatch advances the time to the next batch, and returns it.
func (c *crowd) nextBatch() []Message {
	c.now, _ = c.plan.Next(c.now)
	batch := slices.Clone(c.plan.Turn(c.now, c.now, nil).Batch)
	outcomes(c.plan)
	return batch
}

// take returns the sizes of the batches since the last call.
func (c *crowd) take() (batches []int) {
	batches, c.batches = c.batches, nil
	return batches
}

// wantSpread checks that the batches of the next ten intervals are neither too large nor too
// many, and that no instance leaves its grid.
func (c *crowd) wantSpread(what string, instances int) {
	c.t.Helper()
	c.take()
	before := make(map[string]time.Time, len(c.last))
	for name, at := range c.last {
		before[name] = at
	}
	c.run(10 * c.interval)
	batches := c.take()
	largest, sum := 0, 0
	for _, n := range batches {
		largest, sum = max(largest, n), sum+n
	}
	if largest > crowded || sum != 10*instances || len(batches) > 20*(instances/BatchSize+1) {
		c.t.Errorf("%s: %d batches of up to %d adverts, %d in all, in ten intervals", what, len(batches), largest, sum)
	}
	for name, at := range c.last {
		if moved := at.Sub(before[name]) - 10*c.interval; moved != 0 {
			c.t.Fatalf("%s: %s is off its grid by %v", what, name, moved)
		}
	}
}

// TestPlanSpreadsACrowd checks that instances that became Active together advertise in batches
// that are sent in less than a millisecond, from the first interval on and after any shift since,
// and never later than an interval after the previous advert.
func TestPlanSpreadsACrowd(t *testing.T) {
	for _, n := range []int{crowded + 1, 1000, 4000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := newCrowd(t, 100*ms)
			c.order(Start, n)
			if first := c.take(); len(first) != 1 || first[0] != n {
				t.Fatalf("first adverts in batches %v, want all %d at once", first, n)
			}
			c.run(2 * c.interval)
			c.wantSpread("after the start", n)
			c.order(Now, n)
			c.run(2 * c.interval)
			c.wantSpread("after an advert out of turn", n)
			c.order(Start, n)
			c.wantSpread("after other frames", n)
			c.now = c.now.Add(10 * c.interval) // a stall
			clear(c.last)
			c.turn()
			c.run(3 * c.interval)
			c.wantSpread("after a stall", n)
			c.interval *= 10
			c.order(Start, n)
			c.run(3 * c.interval)
			c.wantSpread("at a longer interval", n)
			c.interval /= 20
			c.order(Start, n)
			c.now = c.now.Add(c.interval)
			clear(c.last)
			c.run(25 * c.interval)
			c.wantSpread("at a shorter interval", n)
		})
	}
}

// TestPlanKeepsFewTogether checks that instances whose adverts are sent within a millisecond
// share a wake-up.
func TestPlanKeepsFewTogether(t *testing.T) {
	c := newCrowd(t, 100*ms)
	c.order(Start, crowded)
	c.run(10 * c.interval)
	if batches := c.take(); len(batches) != 11 {
		t.Errorf("batches of %v, want one an interval", batches)
	}
}

// TestPlanSpreadsByLink checks that a batch covers one link, or two.
func TestPlanSpreadsByLink(t *testing.T) {
	c := newCrowd(t, 100*ms)
	c.order(Start, 1000)
	c.run(2 * c.interval)
	for range 10 {
		links := make(map[int]bool)
		for _, m := range c.nextBatch() {
			links[m.Index] = true
		}
		if len(links) > 2 {
			t.Errorf("a batch for %d links", len(links))
		}
	}
}

// TestPlanSpreadsLate checks that a late turn does not advance an advert to an instant in the
// past.
func TestPlanSpreadsLate(t *testing.T) {
	c := newCrowd(t, 100*ms)
	c.order(Start, 1000)
	c.now = t0.Add(199 * ms)
	c.turn()
	if next, _ := c.plan.Next(c.now); !next.After(c.now) {
		t.Errorf("the next advert is due at %v, before the present instant %v", next, c.now)
	}
	c.run(100 * ms)
	c.run(2 * c.interval)
	c.wantSpread("after a late turn", 1000)
}

// TestPlanBatchesByLink checks that each batch covers one link, if the instances of each link fit
// into one batch.
func TestPlanBatchesByLink(t *testing.T) {
	c := newCrowd(t, 100*ms)
	c.order(Start, 1000)
	c.run(2 * c.interval)
	for range 8 {
		batch := c.nextBatch()
		for _, m := range batch {
			if m.Index != batch[0].Index || len(batch) != 250 {
				t.Fatalf("a batch of %d adverts, on links %d and %d", len(batch), batch[0].Index, m.Index)
			}
		}
	}
}
