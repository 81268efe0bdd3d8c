package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/event"
	"ripcord/pkg/notify"
	"ripcord/pkg/vrrp"
)

const (
	// notifyBacklog is how many events may wait for the notifier, which never waits itself. If more
	// come, the notifier compares the states of all groups instead.
	notifyBacklog = 8192
	// drainWithin is how long the commands for the last transitions may take when the daemon stops,
	// before they get SIGTERM: 5 s including the time up to SIGKILL.
	drainWithin = 5*time.Second - command.DefaultGrace
	// stopNotifyWithin is how long the notifier may take to stop, including the time in which
	// killed commands end.
	stopNotifyWithin = drainWithin + 4*time.Second
)

// notifier runs notify commands and writes the FIFO at the transitions of instances and groups.
type notifier struct {
	events   *bus.Topic[event.Event]
	groups   func() []*vrrp.GroupStatus
	bell     bus.Bell
	programs programs
	runner   *notify.Runner
	fifo     *notify.FIFO   // nil: there is none
	reader   *notify.Reader // the reader of the FIFO; nil: this daemon runs none

	mu   sync.Mutex
	ring *bus.Ring[event.Event] // nil: nothing has been configured yet
	next *notifySettings        // the settings of a reload; nil: there are no new ones

	// The fields below belong to the goroutine of run.
	settings notifySettings
	moves    *moves
}

// newNotifier subscribes to the events at once if a command or the FIFO is configured; it starts
// nothing. programs runs the commands. path is the FIFO and reader the program that reads it;
// either may be empty. groups returns the states of all groups.
func newNotifier(programs programs, s notifySettings, path string, reader []string, events *bus.Topic[event.Event], groups func() []*vrrp.GroupStatus) *notifier {
	n := &notifier{programs: programs, events: events, groups: groups, bell: bus.NewBell(), settings: s}
	n.moves = newMoves(s.holds, n.emit)
	n.runner = notify.New(programs, func(r notify.Ran) { events.Publish(ran(r)) })
	if path != "" {
		making := func() error { return programs.MakeFIFO(context.Background()) }
		n.fifo = notify.NewFIFO(path, s.fifo, making, func(r notify.FIFOReport) { events.Publish(fifoReport(r)) })
	}
	if path != "" && len(reader) > 0 {
		n.reader = notify.NewReader(programs, reader, s.reader, path, func(r notify.ReaderReport) { events.Publish(readerReport(r)) })
	}
	if !n.idle() {
		n.subscribe()
	}
	return n
}

func (n *notifier) subscribe() { n.ring = bus.SubscribeRing(n.events, n.bell, notifyBacklog) }

// update sets the settings of a reload, before anything starts or stops for it.
func (n *notifier) update(s notifySettings) {
	n.mu.Lock()
	n.next = &s
	if n.ring == nil && !s.empty() {
		n.subscribe()
	}
	n.mu.Unlock()
	n.bell.Ring()
}

// idle reports whether neither a command nor the FIFO is configured.
func (n *notifier) idle() bool { return n.fifo == nil && n.settings.empty() }

// run notifies until ctx ends, and then of the transitions up to then and of the stop of all: end
// ctx after everything is resigned and removed. It returns when the commands have ended or were
// killed.
func (n *notifier) run(ctx context.Context) error {
	own, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer func() {
		cancel()
		running.Wait()
	}()
	running.Go(func() { _ = n.runner.Run(own) })
	writing, endFIFO := context.WithCancel(own)
	defer endFIFO()
	if n.fifo != nil {
		running.Go(func() { n.runFIFO(writing) })
	}
	go n.refusals(own, n.settings.requests()) // a file server that does not answer must not delay the notifier

	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-n.bell:
		case <-due.C:
		case <-ctx.Done():
			n.drain(own)
			n.moves.finish()
			endFIFO() // the reader ends while the commands do
			n.finish()
			return nil
		}
		n.drain(own)
		now := time.Now()
		n.moves.flush(now)
		if at := n.moves.due(); !at.IsZero() {
			due.Reset(at.Sub(now))
		} else {
			due.Stop()
		}
	}
}

// lastLines is how long the reader of the FIFO runs after the last line was written.
const lastLines = 300 * time.Millisecond

// runFIFO writes the FIFO until ctx ends, and runs its reader a little longer.
func (n *notifier) runFIFO(ctx context.Context) {
	reading, end := context.WithCancel(context.Background())
	var reader sync.WaitGroup
	if n.reader != nil {
		reader.Go(func() { _ = n.reader.Run(reading) })
	}
	_ = n.fifo.Run(ctx)
	if n.reader != nil {
		time.Sleep(lastLines)
	}
	end()
	reader.Wait()
}

// drain processes the waiting events, after the settings of a reload. What they need of the programs
// is asked until ctx ends.
func (n *notifier) drain(ctx context.Context) {
	var events []event.Event
	var lost uint64
	n.mu.Lock()
	ring := n.ring
	n.mu.Unlock()
	if ring != nil {
		events, lost = ring.Take()
	}
	n.mu.Lock()
	next := n.next
	n.next = nil
	n.mu.Unlock()
	if next != nil {
		wasIdle := n.idle()
		n.settings = n.settings.followedBy(*next)
		n.moves.reload(n.settings.holds)
		if wasIdle && !n.idle() {
			n.moves.learnAll(n.groups())
		}
		go n.refusals(ctx, n.settings.requests())
	}
	if n.idle() {
		return
	}
	if lost > 0 {
		n.moves.resync(n.groups())
	}
	for _, e := range events {
		n.moves.handle(e)
		n.informReader(e)
	}
}

// finish waits for the commands of the last transitions.
func (n *notifier) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	if err := n.runner.Drain(ctx); err != nil {
		// Without a runner none of them has begun: those under way when it was lost have a result.
		n.events.Publish(event.NotifyUnfinished{Stamp: event.Stamp{At: time.Now()}, Err: err.Error(), Unrun: !n.programs.Status().Ready})
	}
}

// emit runs the commands of a transition and writes its line.
func (n *notifier) emit(t notify.Transition) {
	of := subject{t.Kind == notify.Group, t.Name}
	sets := []notify.Commands{n.settings.of(of)}
	if n.settings.all != nil && t.Kind == notify.Instance {
		sets = append(sets, *n.settings.all)
	}
	n.runner.Notify(t, sets...)
	if n.fifo != nil {
		n.fifo.Write(t)
	}
	if t.To == event.Initialize {
		n.settings.stopped(of)
	}
}

// informReader writes the transitions of an adopted group to the FIFO if this daemon runs the
// reader: the previous daemon wrote to another process.
func (n *notifier) informReader(e event.Event) {
	a, ok := e.(event.GroupAdopted)
	if !ok || n.reader == nil {
		return
	}
	for _, t := range adopted(a) {
		n.fifo.Write(t)
	}
}

// lost returns how many lines of the FIFO were lost.
func (n *notifier) lost() uint64 {
	if n.fifo == nil {
		return 0
	}
	return n.fifo.Lost()
}

// refusals reports the commands that cannot or must not be run, unless ctx ends before that is known.
func (n *notifier) refusals(ctx context.Context, requests []command.Request) {
	all := refused(ctx, n.programs, requests)
	if ctx.Err() != nil {
		return
	}
	for _, r := range all {
		n.events.Publish(event.NotifyRefused{Stamp: event.Stamp{At: time.Now()}, Command: r.path, Err: r.err.Error()})
	}
}

// ran returns the event of a command that has ended.
func ran(r notify.Ran) event.Event {
	e := event.NotifyRan{
		Stamp: event.Stamp{Cause: r.Cause, At: time.Now()}, Subject: r.Name, Group: r.Kind == notify.Group, State: r.State(),
		Command: r.Argv[0], Took: r.Took, Output: r.Output, Merged: r.Merged,
	}
	e.Result, e.Err = resultOf(r.Err)
	return e
}

func resultOf(err error) (event.NotifyResult, string) {
	var exit *command.ExitError
	switch {
	case err == nil:
		return event.NotifyDone, ""
	case errors.Is(err, context.Canceled):
		return event.NotifyKilled, "ripcord stops, and another transition has followed"
	case errors.Is(err, command.ErrTimeout):
		return event.NotifyKilled, err.Error()
	case errors.Is(err, command.ErrLost):
		return event.NotifyUnrun, err.Error()
	case errors.As(err, &exit):
		return event.NotifyFailed, err.Error()
	}
	return event.NotifyUnrun, err.Error()
}

func fifoReport(r notify.FIFOReport) event.Event {
	e := event.NotifyFIFO{Stamp: event.Stamp{At: time.Now()}, Path: r.Path, Lost: r.Lost}
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	return e
}

func readerReport(r notify.ReaderReport) event.Event {
	e := event.NotifyReader{Stamp: event.Stamp{At: time.Now()}, Command: r.Argv[0], Took: r.Took, Err: "exit status 0", Pause: r.Pause}
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	return e
}
