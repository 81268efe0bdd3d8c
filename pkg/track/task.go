package track

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// eventGap is the least time between two runs caused by events: a file that is written continuously
// must not cost a processor.
const eventGap = 10 * time.Millisecond

// prober does the work of one check. Its methods are called from one goroutine.
type prober interface {
	// probe runs the check once. It calls done once, as soon as the result is known, and returns
	// when nothing of the run is left. It does not call done if there is no result: if ctx ends
	// first, or the command could not be run.
	probe(ctx context.Context, done func(result))
	// events returns a channel that receives when the next run should start at once; nil if this
	// kind of check has none.
	events() <-chan struct{}
	close()
}

// result is the result of one run of a check.
type result struct {
	pass   bool
	value  int // of a file check
	output string
	err    error // nil if pass is true, but see Report.Err
	took   time.Duration
	at     time.Time
	// skipped is the number of earlier runs that were omitted, or had no result.
	skipped int
}

// outcome is a result on its way to the Runner.
type outcome struct {
	of *task
	result
}

// task is a running check, with its own goroutine.
type task struct {
	spec     Spec
	health   Health // the Runner's
	status   Status // the Runner's
	schedule Schedule
	prober   prober
	after    <-chan struct{} // closed when the task that this one replaces has ended
	stop     context.CancelFunc
	ended    chan struct{}
}

// run runs the check until ctx is done.
func (t *task) run(ctx context.Context, to chan<- outcome) {
	defer close(t.ended)
	defer t.prober.close()
	if t.after != nil {
		<-t.after // it has been stopped
	}
	timer := time.NewTimer(time.Until(t.schedule.First()))
	defer timer.Stop()
	skipped := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-t.prober.events():
		}
		if ctx.Err() != nil {
			return
		}
		started, known := time.Now(), false
		t.prober.probe(ctx, func(r result) {
			known = true
			if ctx.Err() != nil {
				return // the run was stopped, so there is no result
			}
			r.at = time.Now()
			r.took = r.at.Sub(started)
			r.skipped = skipped
			select {
			case to <- outcome{t, r}:
			case <-ctx.Done():
			}
		})
		now := time.Now()
		due, late := t.schedule.Next(started, now)
		if known {
			skipped = late
		} else {
			skipped += late + 1
		}
		timer.Reset(due.Sub(now))
		if t.prober.events() != nil {
			sleep(ctx, eventGap-now.Sub(started))
		}
	}
}

// sleep waits for a time, or until ctx is done.
func sleep(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}

// timed is a prober that asks and waits for an answer, in one function.
type timed struct {
	timeout time.Duration
	ask     func(ctx context.Context) (output string, err error)
}

func (p *timed) probe(ctx context.Context, done func(result)) {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	output, err := p.ask(limited)
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v", p.timeout)
	}
	done(result{pass: err == nil, output: output, err: err})
}

func (*timed) events() <-chan struct{} { return nil }
func (*timed) close()                  {}
