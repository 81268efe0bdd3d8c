package addr

import (
	"context"
	"sync"
	"sync/atomic"
)

// listen waits, on goroutines of its own, for others to remove routes and rules
// or the firewall's; the function that it returns ends that and waits.
func (w *Worker) listen(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	noted := func(flag *atomic.Bool) func() {
		return func() {
			flag.Store(true)
			w.bell.Ring()
		}
	}
	running.Go(func() { w.cfg.Routing.Listen(ctx, noted(&w.gone)) })
	if someRefuse(w.cfg.Sets) {
		running.Go(func() { w.cfg.Firewall.Listen(ctx, noted(&w.opened)) })
	}
	return func() { cancel(); running.Wait() }
}

// addWays adds the routes and rules that are due, and by this finds out which of
// those that are in doubt still stand.
func (w *Worker) addWays() {
	try, n := w.guide.adds(w.cfg.Now())
	w.tellWays(n)
	if len(try) == 0 {
		return
	}
	errs := w.cfg.Routing.AddWays(opsOf(try))
	w.tellWays(w.guide.tried(w.cfg.Now(), w.cfg.Minter.Cause(w.cfg.Now()), try, errs))
}

// removeWays removes the routes and rules that were released or left behind.
func (w *Worker) removeWays() {
	gone := w.guide.removes(w.cfg.Now())
	if len(gone) == 0 {
		return
	}
	errs := w.cfg.Routing.RemoveWays(opsOf(gone))
	w.tellWays(w.guide.removed(w.cfg.Now(), gone, errs))
}

func opsOf(courses []*course) []WayOp {
	ops := make([]WayOp, len(courses))
	for i, c := range courses {
		ops[i] = c.WayOp
	}
	return ops
}

func (w *Worker) tellWays(n wayNews) {
	for _, e := range n {
		w.cfg.Events.Publish(e)
	}
}
