package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stage is a set of parts that start and stop together, by name.
type stage map[string]func(context.Context) error

// running is a stage that was started.
type running struct {
	cancel context.CancelFunc
	parts  []*runningPart // by name
}

// runningPart is one part of a running stage.
type runningPart struct {
	name  string
	ended chan struct{}
	err   error // why it failed, once it has ended
}

// errStops is the cause with which the context of a part ends.
var errStops = errors.New("ripcord stops")

// start starts the parts. When one of them fails, it calls broken; the other parts run until stop.
func (s stage) start(broken func()) *running {
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &running{cancel: func() { cancel(errStops) }}
	for name, run := range s {
		p := &runningPart{name: name, ended: make(chan struct{})}
		r.parts = append(r.parts, p)
		go func() {
			defer close(p.ended)
			if p.err = part(name, run(ctx)); p.err != nil {
				broken()
			}
		}()
	}
	slices.SortFunc(r.parts, func(a, b *runningPart) int { return strings.Compare(a.name, b.name) })
	return r
}

// hungError is the error of a part that was asked to end and did not.
type hungError struct {
	part  string
	after time.Duration
}

// Error names the part.
func (e hungError) Error() string {
	return fmt.Sprintf("%s: hangs: it did not end within %v of the request", e.part, e.after.Round(time.Millisecond))
}

// hung reports whether a part has not ended, and may still use its resources.
func hung(err error) bool { _, ok := errors.AsType[hungError](err); return ok }

// stop ends the parts and waits for them until the deadline. The error names those that failed, and
// those that hang. A stage that was not started has none.
func (r *running) stop(deadline time.Time) error {
	if r == nil {
		return nil
	}
	r.cancel()
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	return r.wait(ctx)
}

// wait waits for the parts to end, until ctx ends.
func (r *running) wait(ctx context.Context) error {
	began := time.Now()
	var errs []error
	for _, p := range r.parts {
		if p.hasEnded(ctx) {
			errs = append(errs, p.err)
		} else {
			errs = append(errs, hungError{p.name, time.Since(began)})
		}
	}
	return errors.Join(errs...)
}

// hasEnded waits for the part to end, until ctx ends.
func (p *runningPart) hasEnded(ctx context.Context) bool {
	select {
	case <-p.ended:
		return true
	case <-ctx.Done():
	}
	select { // both may have been ready
	case <-p.ended:
		return true
	default:
		return false
	}
}

// ended reports whether all parts have ended.
func (r *running) ended() bool {
	for _, p := range r.parts {
		select {
		case <-p.ended:
		default:
			return false
		}
	}
	return true
}
