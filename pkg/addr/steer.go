package addr

import (
	"context"
	"slices"
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
	w.putBackReplaced(try, errs)
	w.tellWays(w.guide.tried(w.cfg.Now(), w.cfg.Minter.Cause(w.cfg.Now()), try, errs))
}

// putBackReplaced puts routes of ours back that somebody has replaced, and books for
// each in errs that it was added.
func (w *Worker) putBackReplaced(try []*course, errs []error) {
	suspects := w.guide.suspect(try, errs)
	w.guide.replaced = false
	if len(suspects) == 0 {
		return
	}
	marked, err := w.cfg.Routing.ListWays()
	if err != nil {
		w.guide.replaced = true // looked for again with the next audit
		return
	}
	suspects = slices.DeleteFunc(suspects, func(c *course) bool { return c.standsAmong(marked) })
	if len(suspects) == 0 {
		return
	}
	for i, err := range w.cfg.Routing.ReplaceWays(opsOf(suspects)) {
		errs[slices.Index(try, suspects[i])] = err
	}
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
