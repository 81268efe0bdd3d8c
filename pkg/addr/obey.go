package addr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lease"
)

// obey does what one order wants, all its instances in one batch.
func (w *Worker) obey(o queued) {
	if len(o.ask) > 0 {
		w.neighbors.Ask(o.ask...)
		return
	}
	var unknown []string
	for _, name := range o.Instances {
		if o.Kind == Release {
			w.schedule.cancel(name)
			w.ledger.release(o.at, o.Cause, name)
			w.routes.Release(o.at, o.Cause, name)
			continue
		}
		set := w.ledger.sets[name]
		if o.Kind == Reannounce {
			w.schedule.reannounce(w.cfg.Now(), name)
			continue
		}
		w.routes.Hold(o.at, o.Cause, name)
		switch fresh, known := w.ledger.hold(o.at, o.Cause, name); {
		case !known:
			unknown = append(unknown, name)
		case fresh:
			w.expect(name)
		default:
			w.schedule.start(w.cfg.Now(), name, len(set.Addresses), set.Announce)
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

// checkLease releases the instances that the loop has ceased to lead (design
// decision 5). The advert engine reports it, as it resigns by the same lease.
func (w *Worker) checkLease() {
	now := w.ran()
	var hung []string
	for _, name := range w.ledger.order {
		set := w.ledger.sets[name]
		if w.watch.Expired(now, w.cfg.Lease.Last(), lease.Limit(set.Miss, set.Interval)) {
			hung = append(hung, name)
		}
	}
	if len(hung) > 0 {
		w.obey(queued{Order: Order{Kind: Release, Cause: w.cfg.Minter.Cause(now), Instances: hung}, at: now})
	}
}

// finish drains the queue and gives up everything.
func (w *Worker) finish() error {
	w.absorb()
	for _, o := range w.take() {
		w.obey(o)
	}
	now := w.cfg.Now()
	if len(w.ledger.held) > 0 {
		w.obey(queued{Order: Order{Kind: Release, Cause: w.cfg.Minter.Cause(now), Instances: slices.Clone(w.ledger.order)}, at: now})
	}
	for range 2 { // asks what is left, and what the kernel refused once more
		w.ledger.removal, w.dirty, w.relist = time.Time{}, true, time.Time{}
		w.routes.RetryRemoval()
		w.converge()
		if len(w.ledger.leaving)+len(w.routes.Left()) == 0 && !w.dirty {
			break
		}
	}
	left := w.left()
	left = append(left, w.macvlans.Dismantle()...)
	if err := w.cfg.Kernel.RestoreSecondaries(); err != nil {
		left = append(left, fmt.Sprintf("settings (%v)", err))
	}
	if len(left) > 0 {
		return fmt.Errorf("could not remove %s: the next start will, or remove them with the ip program", strings.Join(left, ", "))
	}
	return nil
}

// left lists what could not be removed, and what may be there since the kernel could
// not be asked.
func (w *Worker) left() (left []string) {
	for _, g := range w.ledger.leaving {
		for _, key := range g.keys {
			left = append(left, key.Prefix.String())
		}
	}
	if w.dirty && len(left) == 0 {
		left = append(left, "addresses that may be left, since the kernel does not list them")
	}
	left = append(left, w.routes.Left()...)
	if w.acceptance.Left() {
		left = append(left, fmt.Sprintf("the nftables table inet ripcord (%v)", w.acceptance.Err()))
	}
	return left
}
