package daemon

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// stage is some parts that start and stop together, by name.
type stage map[string]func(context.Context) error

// running is a stage that was started.
type running struct {
	cancel context.CancelFunc
	group  *errgroup.Group
}

// start starts the parts. When one of them fails, broken is called; those
// beside it go on until stop.
func (s stage) start(broken func()) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, group: new(errgroup.Group)}
	for name, run := range s {
		r.group.Go(func() error {
			err := part(name, run(ctx))
			if err != nil {
				broken()
			}
			return err
		})
	}
	return r
}

// stop ends the parts and waits for them; the error is the first that failed.
func (r *running) stop() error {
	r.cancel()
	return r.group.Wait()
}
