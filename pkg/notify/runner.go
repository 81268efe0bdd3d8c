package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ripcord/pkg/command"
)

// Limit is the number of commands that run at the same time: a thousand instances may move at once.
const Limit = 128

// Ran reports a command that has ended, or whose timeout is over.
type Ran struct {
	Transition
	Argv []string
	command.Result
	// Merged is how many transitions of this name were left out before this one.
	Merged int
}

// Runner runs notify and fence commands.
type Runner struct {
	programs   command.Runner
	report     func(Ran)
	wake       chan struct{} // holds one, after a change of the fields behind mu
	events     chan func()   // calls for Run to make, from the goroutines of the commands
	yieldAfter time.Duration // YieldAfter, except in tests

	workers sync.WaitGroup

	mu       sync.Mutex
	queues   map[Subject]*queue // those with waiting transitions
	order    []Subject          // the same, the longest waiting first
	running  map[Subject]*run
	fences   []fencing       // those that wait to be started
	fenced   map[string]bool // the names of those that wait or run
	draining bool
	idle     chan struct{} // closed when nothing waits or runs; nil: no Drain
}

// run is the running commands of one transition.
type run struct {
	entry entry
	stop  context.CancelFunc

	yield  context.CancelFunc // stops the running command, and not those after it; nil: none yields
	yields time.Time          // when it has run so long that it makes room
}

// New returns a runner, whose commands programs runs. The package documents the contract of report.
func New(programs command.Runner, report func(Ran)) *Runner {
	return &Runner{
		programs:   programs,
		report:     report,
		wake:       make(chan struct{}, 1),
		events:     make(chan func()),
		yieldAfter: YieldAfter,
		queues:     make(map[Subject]*queue),
		running:    make(map[Subject]*run),
		fenced:     make(map[string]bool),
	}
}

// Notify runs the commands for a transition, those of each set in turn. A transition without
// commands counts too: those that wait before it may then be omitted.
func (r *Runner) Notify(t Transition, sets ...Commands) {
	e := entry{transition: t, since: time.Now()}
	for i := range sets {
		e.commands = append(e.commands, sets[i].of(&t)...)
	}
	r.mu.Lock()
	s := t.subject()
	q := r.queues[s]
	if q == nil && len(e.commands) > 0 {
		q = new(queue)
		r.queues[s] = q
	}
	if q != nil {
		q.push(e)
		if !slices.Contains(r.order, s) {
			r.order = append(r.order, s)
		}
	}
	r.mu.Unlock()
	r.ring()
}

func (r *Runner) ring() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run runs commands until ctx is done. Those that still run then are killed: call Drain first. It
// is called once.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.workers.Wait()
	}()
	for {
		r.startWaiting(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case do := <-r.events:
			do()
		}
	}
}

// startWaiting starts the waiting commands that may run.
func (r *Runner) startWaiting(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.fences {
		r.workers.Go(func() { r.fence(ctx, f) })
	}
	r.fences = nil
	stale := time.Now().Add(-Stale)
	if r.draining {
		stale = time.Now()
	}
	r.order = slices.DeleteFunc(r.order, func(s Subject) bool {
		if r.running[s] != nil || len(r.running) >= Limit {
			return false
		}
		q := r.queues[s]
		e, ok := q.next(stale)
		if ok {
			own, stop := context.WithCancel(ctx)
			r.running[s] = &run{entry: e, stop: stop}
			r.workers.Go(func() { r.work(ctx, own, s, e) })
		}
		if len(q.entries) == 0 {
			delete(r.queues, s)
			return true
		}
		return false
	})
	r.makeRoom(time.Now())
	if r.idle != nil && len(r.order) == 0 && len(r.running) == 0 && len(r.fenced) == 0 {
		close(r.idle)
		r.idle = nil
	}
}

// work runs the commands of one transition until own is done; ctx is Run's.
func (r *Runner) work(ctx, own context.Context, s Subject, e entry) {
	for i := range e.commands {
		if own.Err() != nil {
			break
		}
		c := &e.commands[i]
		r.runOne(own, s, c, func(result command.Result) {
			ran := Ran{e.transition, c.Argv, result, e.merged}
			r.send(ctx, func() { r.report(ran) })
		})
		e.merged = 0 // it is reported once
	}
	r.mu.Lock()
	r.running[s].stop()
	delete(r.running, s)
	r.mu.Unlock()
	r.ring()
}

// runOne runs one command of a transition.
func (r *Runner) runOne(own context.Context, s Subject, c *queued, done func(command.Result)) {
	if !c.yields {
		r.programs.Run(own, c.Request, done)
		return
	}
	yielding, yield := context.WithCancel(own)
	defer yield()
	r.mu.Lock()
	r.running[s].yield, r.running[s].yields = yield, time.Now().Add(r.yieldAfter)
	r.mu.Unlock()
	defer time.AfterFunc(r.yieldAfter, r.ring).Stop()
	r.programs.Run(yielding, c.Request, func(result command.Result) {
		if own.Err() == nil && errors.Is(result.Err, context.Canceled) {
			result.Err = fmt.Errorf("%w: another transition waits, and it has run for more than %v", command.ErrTimeout, r.yieldAfter)
		}
		done(result)
	})
	r.mu.Lock()
	r.running[s].yield = nil
	r.mu.Unlock()
}

// makeRoom stops commands that have run for too long while a transition waits for them.
func (r *Runner) makeRoom(now time.Time) {
	for _, s := range r.order {
		if own := r.running[s]; own != nil {
			own.makeRoom(now)
			continue
		}
		for _, other := range r.running { // Limit commands run
			other.makeRoom(now)
		}
	}
}

func (r *run) makeRoom(now time.Time) {
	if r.yield != nil && !now.Before(r.yields) {
		r.yield()
	}
}

// send makes Run call do, unless Run ends first.
func (r *Runner) send(ctx context.Context, do func()) {
	select {
	case r.events <- do:
	case <-ctx.Done():
	}
}

// Drain waits until the commands for all transitions so far have ended, or until ctx is done: then
// its error names those that still wait or run. From now on only the last transition of each name
// counts. A command for an earlier one that still runs is killed after half of the time. Run must
// still run.
func (r *Runner) Drain(ctx context.Context) error {
	idle := make(chan struct{})
	r.mu.Lock()
	r.draining, r.idle = true, idle
	r.mu.Unlock()
	r.ring()
	var half <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline) / 2)
		defer timer.Stop()
		half = timer.C
	}
	for {
		select {
		case <-idle:
			return nil
		case <-half:
			r.stopSuperseded()
		case <-ctx.Done():
			if left := r.left(); len(left) > 0 {
				return fmt.Errorf("notify commands did not end in time: %s", strings.Join(left, ", "))
			}
			return nil
		}
	}
}

// stopSuperseded kills the commands of transitions that others have followed.
func (r *Runner) stopSuperseded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.order {
		if running := r.running[s]; running != nil {
			running.stop()
		}
	}
}

// left names the transitions whose commands wait or run, and the fence commands.
func (r *Runner) left() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, running := range r.running {
		names = append(names, s.Name+" ("+running.entry.transition.State()+")")
	}
	for _, s := range r.order {
		if r.running[s] == nil {
			entries := r.queues[s].entries
			names = append(names, s.Name+" ("+entries[len(entries)-1].transition.State()+", not begun)")
		}
	}
	for name := range r.fenced {
		names = append(names, name+" (fence)")
	}
	slices.Sort(names)
	return names
}
