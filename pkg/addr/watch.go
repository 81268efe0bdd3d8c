package addr

import (
	"context"
	"sync"
	"sync/atomic"
)

// watchOthers waits, on goroutines of its own, for others to remove routes and rules or what
// the firewall holds of ours; the function that it returns ends that and waits.
func (w *Worker) watchOthers(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	noted := func(flag *atomic.Bool) func() {
		return func() {
			flag.Store(true)
			w.bell.Ring()
		}
	}
	running.Go(func() { w.cfg.Routes.Watch(ctx, noted(&w.gone)) })
	if someRefuse(w.cfg.Sets) {
		running.Go(func() { w.cfg.Firewall.Watch(ctx, noted(&w.opened)) })
	}
	return func() { cancel(); running.Wait() }
}
