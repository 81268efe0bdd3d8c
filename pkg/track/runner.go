package track

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/command"
)

// Runner runs a set of checks. Apply and Snapshot may be called from any goroutine, before, during
// and after Run.
type Runner struct {
	programs command.Runner
	all      Processes
	report   func(Report)
	applied  chan struct{} // holds one, after an Apply
	outcomes chan outcome

	mu     sync.Mutex
	wanted []Spec
	status map[string]Status

	// The fields below belong to Run.
	tasks   map[string]*task
	running sync.WaitGroup
	started int // the number of tasks ever started: for their phases
	machine *machine
}

// New returns a runner without checks, whose commands are run by programs. all returns the
// processes if /proc hides some; nil: none can. The package documents the contract of report.
func New(programs command.Runner, all Processes, report func(Report)) *Runner {
	return &Runner{
		programs: programs,
		all:      all,
		report:   report,
		applied:  make(chan struct{}, 1),
		outcomes: make(chan outcome),
		status:   make(map[string]Status),
		tasks:    make(map[string]*task),
	}
}

// Apply replaces the set of checks. It returns at once; Run then starts and stops the checks. A new
// check, or one with another Probe, starts over. A check with the same Probe keeps its state and
// gets its new interval, timeout, rise and fall; its current run is stopped without a result. A
// check without any change is not touched. If a check is invalid nothing changes, and the error
// names all problems.
func (r *Runner) Apply(specs []Spec) error {
	var errs []error
	seen := make(map[string]bool)
	for i := range specs {
		errs = append(errs, specs[i].Validate())
		if seen[specs[i].Name] {
			errs = append(errs, fmt.Errorf("check %s: there are two of this name", specs[i].Name))
		}
		seen[specs[i].Name] = true
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.mu.Lock()
	r.wanted = slices.Clone(specs)
	r.mu.Unlock()
	select {
	case r.applied <- struct{}{}:
	default:
	}
	return nil
}

// Snapshot returns the state of each check, by name.
func (r *Runner) Snapshot() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.status), func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
}

// Run runs the checks until ctx is done, and returns when all have been stopped. It is called once.
func (r *Runner) Run(ctx context.Context) error {
	r.machine = newMachine(r.programs, r.all)
	defer r.machine.close()
	defer r.running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.applied:
			r.reconcile(ctx)
		case o := <-r.outcomes:
			r.absorb(o)
		}
	}
}

// reconcile starts and stops tasks so that they are the wanted ones.
func (r *Runner) reconcile(ctx context.Context) {
	r.mu.Lock()
	wanted := r.wanted
	r.mu.Unlock()
	keep := make(map[string]bool, len(wanted))
	for i := range wanted {
		keep[wanted[i].Name] = true
	}
	for name, t := range r.tasks {
		if !keep[name] {
			t.stop()
			delete(r.tasks, name)
			r.mu.Lock()
			delete(r.status, name)
			r.mu.Unlock()
		}
	}
	for i := range wanted {
		if t := r.tasks[wanted[i].Name]; t == nil || !reflect.DeepEqual(t.spec, wanted[i]) {
			r.start(ctx, wanted[i], t)
		}
	}
}

// start starts a check, in place of an earlier one with its name, if there is one.
func (r *Runner) start(ctx context.Context, s Spec, was *task) {
	now := time.Now()
	t := &task{
		spec:     s,
		health:   NewHealth(&s, now),
		schedule: NewSchedule(now, s.Interval, r.started),
		ended:    make(chan struct{}),
	}
	t.status = Status{Report: Report{Name: s.Name, State: t.health.state, At: now}, Checks: s.Probe.String(), Probe: s.Probe, Since: now}
	r.started++
	same := was != nil && reflect.DeepEqual(was.spec.Probe, s.Probe) && was.health.state != Waiting
	if same {
		t.health, t.status = was.health, was.status
		t.health.Adopt(&s)
	}
	if was != nil {
		was.stop()
		t.after = was.ended
	}
	t.prober = s.Probe.open(r.machine, &s)
	var own context.Context
	own, t.stop = context.WithCancel(ctx)
	r.tasks[s.Name] = t
	r.publish(t, !same)
	r.running.Go(func() { t.run(own, r.outcomes) })
}

// absorb records a result, unless its task was stopped.
func (r *Runner) absorb(o outcome) {
	t := o.of
	if r.tasks[t.spec.Name] != t {
		return
	}
	before := t.status
	changed := t.health.Update(o.pass, o.at)
	s := &t.status
	s.State, s.Since = t.health.state, t.health.since
	s.Value, s.Ran, s.At, s.Took, s.Output, s.Err = o.value, true, o.at, o.took, o.output, o.err
	s.Runs++
	s.Skipped += uint64(o.skipped)
	if !o.pass {
		s.Failed++
	}
	news := changed || !before.Ran || s.Value != before.Value
	if _, isFile := t.spec.Probe.(File); isFile {
		news = news || text(s.Err) != text(before.Err)
	}
	r.publish(t, news)
}

// publish stores the status of a task for Snapshot, and reports it if it has news.
func (r *Runner) publish(t *task, news bool) {
	r.mu.Lock()
	r.status[t.spec.Name] = t.status
	r.mu.Unlock()
	if news {
		r.report(t.status.Report)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// RunOnce runs a check once, whatever its Initial, Rise and Fall, and returns when nothing of the
// run is left.
func RunOnce(ctx context.Context, s Spec) Report {
	report := Report{Name: s.Name, State: Down, Ran: true}
	if report.Err = s.Validate(); report.Err != nil {
		report.At = time.Now()
		return report
	}
	m := newMachine(command.Local{}, nil)
	defer m.close()
	p := s.Probe.open(m, &s)
	defer p.close()
	started := time.Now()
	report.Err = context.Canceled // if there is no result
	p.probe(ctx, func(r result) {
		report.At = time.Now()
		report.Took = report.At.Sub(started)
		report.Value, report.Output, report.Err = r.value, r.output, r.err
		if r.pass {
			report.State = Up
		}
	})
	return report
}
