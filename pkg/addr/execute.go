package addr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
)

// execute executes one order, all its instances in one batch.
func (w *Worker) execute(o queued) {
	defer w.findLimit()
	if len(o.ask) > 0 {
		w.neighbors.Ask(o.ask...)
		return
	}
	if o.Kind == Configure {
		w.configure(o)
		return
	}
	var unknown []string
	for _, name := range o.Instances {
		if o.Kind == Release {
			w.announcer.cancel(name)
			w.ledger.release(o.at, o.Cause, name)
			w.routes.Release(o.at, o.Cause, name)
			continue
		}
		if o.Kind == Reannounce {
			w.announcer.reannounce(w.cfg.Now(), name)
			continue
		}
		w.routes.Hold(o.at, o.Cause, name)
		switch fresh, known := w.ledger.hold(o.at, o.Cause, name); {
		case !known:
			unknown = append(unknown, name)
		case fresh:
			w.placements.expect(name)
			w.announcer.unmute(name)
		default:
			w.announcer.begin(w.cfg.Now(), name)
		}
	}
	for _, name := range unknown {
		w.cfg.Events.Publish(event.AddressMoved{
			Stamp: event.Stamp{Cause: o.Cause, At: w.cfg.Now()}, Kind: event.AddressFailed,
			Instance: name, Err: "ordered to hold the addresses of an instance that is not configured",
		})
	}
	w.converge()
}

// holdStatic begins to hold what the configuration has for no instance, unless it is held already.
func (w *Worker) holdStatic(at time.Time, cause event.Cause) {
	if w.ledger.holdStatic(at, cause) {
		w.routes.Hold(at, cause, StaticName)
	}
}

// Adopt makes the worker hold, from its start, what exists of some instances, as if it had added it
// itself. Call it before Run.
func (w *Worker) Adopt(cause event.Cause, instances ...string) {
	w.adopted = Order{Kind: Hold, Cause: cause, Instances: instances}
}

// adopt begins to hold what a daemon that died, or handed over, has left.
func (w *Worker) adopt() {
	now := w.cfg.Now()
	for _, name := range w.adopted.Instances {
		if fresh, _ := w.ledger.hold(now, w.adopted.Cause, name); !fresh {
			continue
		}
		for _, e := range w.ledger.held[name].entries {
			e.inherited = true
		}
		w.routes.Adopt(now, w.adopted.Cause, name)
		w.placements.expect(name)
		w.announcer.adopt(now, name)
	}
	w.findLimit()
	w.adopted = Order{}
}

// checkLease releases the instances that the loop has ceased to lead (docs/architecture.md#lease),
// and reports that, since the loop may run again. The advert engine resigns by the same lease, but
// after a pause of the process it may not take the loop for hung.
func (w *Worker) checkLease() {
	now := w.ran()
	if w.limit == 0 || !w.watch.Expired(now, w.cfg.Lease.Last(), w.limit) {
		return
	}
	cause, gap := w.cfg.Minter.Cause(now), w.watch.Age(now, w.cfg.Lease.Last())
	var hung []string
	for name, limit := range w.limits {
		if w.watch.Expired(now, w.cfg.Lease.Last(), limit) {
			hung = append(hung, name)
		}
	}
	if len(hung) == 0 {
		return
	}
	w.execute(queued{Order: Order{Kind: Release, Cause: cause, Instances: hung}, at: now})
	for _, name := range hung {
		w.cfg.Results.Publish(vrrp.LeaseLost{Cause: cause, Instance: name, Gap: gap})
	}
}

// limits yields the instances that are held for the loop, with the limits of their leases.
func (w *Worker) limits(yield func(instance string, limit time.Duration) bool) {
	for _, name := range w.ledger.order {
		if set := w.ledger.sets[name]; !set.Static && !yield(name, lease.Limit(set.Miss, set.Interval)) {
			return
		}
	}
}

// findLimit finds the shortest limit, after an order has changed which instances are held.
func (w *Worker) findLimit() {
	w.limit = 0
	for _, limit := range w.limits {
		if w.limit == 0 || limit < w.limit {
			w.limit = limit
		}
	}
}

// finish executes the queued orders and removes everything, unless the next daemon continues with
// it.
func (w *Worker) finish() error {
	w.absorb()
	for _, o := range w.take() {
		w.execute(o)
	}
	if w.handsOver.Load() {
		return nil
	}
	now := w.cfg.Now()
	if len(w.ledger.held) > 0 {
		w.execute(queued{Order: Order{Kind: Release, Cause: w.cfg.Minter.Cause(now), Instances: slices.Clone(w.ledger.order)}, at: now})
	}
	for range 2 { // the second time for what the kernel refused once
		w.ledger.removal, w.addresses.dirty, w.addresses.relist = time.Time{}, true, time.Time{}
		w.routes.RetryRemoval()
		w.converge()
		if len(w.ledger.leaving)+len(w.routes.Left()) == 0 && !w.addresses.dirty {
			break
		}
	}
	left := slices.Concat(w.addresses.left(), w.routes.Left(), w.acceptance.left())
	left = append(left, w.macvlans.Dismantle()...)
	if _, err := w.cfg.Kernel.RestoreSecondaries(); err != nil {
		left = append(left, fmt.Sprintf("settings (%v)", err))
	}
	if len(left) > 0 {
		return fmt.Errorf("could not remove %s: the next start will, or remove them with the ip program", strings.Join(left, ", "))
	}
	return nil
}
