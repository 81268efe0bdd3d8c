package notify

import (
	"context"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/event"
	"ripcord/pkg/runner"
	"ripcord/pkg/vrrp"
)

const (
	// backlog is how many events may wait for the Notifier, which never waits itself. If more come,
	// the Notifier compares the states of all groups instead.
	backlog = 8192
	// drainWithin is how long the commands for the last transitions may take when the daemon stops,
	// before they get SIGTERM: 5 s including the time up to SIGKILL.
	drainWithin = 5*time.Second - command.DefaultGrace
	// StopWithin is how long the Notifier may take to stop, including the time in which killed
	// commands end.
	StopWithin = drainWithin + 4*time.Second
	// lastLines is how long the reader of the FIFO runs after the last line was written.
	lastLines = 300 * time.Millisecond
)

// Programs runs the commands and the reader of the FIFO.
type Programs interface {
	command.Runner
	// MakeFIFO makes the FIFO of the configuration: see the function MakeFIFO.
	MakeFIFO(ctx context.Context) error
	// Status returns the state of the process that runs the commands.
	Status() runner.Status
}

// Config configures a Notifier.
type Config struct {
	Programs Programs
	Settings Settings
	// FIFO is the path of the FIFO, and Owner its owner; empty: there is none.
	FIFO  string
	Owner *command.User
	// Reader is the program that reads the FIFO, and ReaderUser its user; empty: none is run.
	Reader     []string
	ReaderUser *command.User
	Events     *bus.Topic[event.Event]
	// Groups returns the states of all groups.
	Groups func() []*vrrp.GroupStatus
}

// Notifier runs notify commands and writes the FIFO at the transitions of instances and groups.
type Notifier struct {
	config Config
	bell   bus.Bell
	runner *Runner
	fifo   *FIFO   // nil: there is none
	reader *Reader // the reader of the FIFO; nil: none is run

	mu   sync.Mutex
	ring *bus.Ring[event.Event] // nil: nothing has been configured yet
	next *Settings              // the settings of a reload; nil: there are no new ones

	// The fields below belong to the goroutine of Run.
	settings  Settings
	sequencer *sequencer
}

// NewNotifier subscribes to the events at once if a command or the FIFO is configured; it starts
// nothing.
func NewNotifier(c Config) *Notifier {
	n := &Notifier{config: c, bell: bus.NewBell(), settings: c.Settings}
	n.sequencer = newSequencer(c.Settings.HasAddresses, n.emit)
	n.runner = New(c.Programs, func(r Ran) { n.publish(ranEvent(r)) })
	if c.FIFO != "" {
		making := func() error { return c.Programs.MakeFIFO(context.Background()) }
		n.fifo = NewFIFO(c.FIFO, c.Owner, making, func(r FIFOReport) { n.publish(fifoEvent(r)) })
	}
	if c.FIFO != "" && len(c.Reader) > 0 {
		n.reader = NewReader(c.Programs, c.Reader, c.ReaderUser, c.FIFO, func(r ReaderReport) { n.publish(readerEvent(r)) })
	}
	if !n.idle() {
		n.subscribe()
	}
	return n
}

func (n *Notifier) publish(e event.Event) { n.config.Events.Publish(e) }

func (n *Notifier) subscribe() { n.ring = bus.SubscribeRing(n.config.Events, n.bell, backlog) }

// Update sets the settings of a reload, before anything starts or stops for it.
func (n *Notifier) Update(s Settings) {
	n.mu.Lock()
	n.next = &s
	if n.ring == nil && !s.Empty() {
		n.subscribe()
	}
	n.mu.Unlock()
	n.bell.Ring()
}

// Fence runs a fence command: see Runner.Fence.
func (n *Notifier) Fence(f Fence, done func(command.Result)) error { return n.runner.Fence(f, done) }

// LostLines returns how many lines of the FIFO were lost.
func (n *Notifier) LostLines() uint64 {
	if n.fifo == nil {
		return 0
	}
	return n.fifo.Lost()
}

// idle reports whether neither a command nor the FIFO is configured.
func (n *Notifier) idle() bool { return n.fifo == nil && n.settings.Empty() }

// Run notifies of transitions until ctx ends, and then of those up to the end and of the stop of all
// instances and groups: end ctx after everything is resigned and removed. It returns when the
// commands have ended or were killed.
func (n *Notifier) Run(ctx context.Context) error {
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
	go n.reportRefused(own, n.settings.Requests()) // a file server that does not answer must not delay the notifications

	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-n.bell:
		case <-due.C:
		case <-ctx.Done():
			n.drain(own)
			n.sequencer.finish()
			endFIFO() // the reader ends while the commands do
			n.finish()
			return nil
		}
		n.drain(own)
		now := time.Now()
		n.sequencer.flush(now)
		if at := n.sequencer.due(); !at.IsZero() {
			due.Reset(at.Sub(now))
		} else {
			due.Stop()
		}
	}
}

// runFIFO writes the FIFO until ctx ends, and runs its reader a little longer.
func (n *Notifier) runFIFO(ctx context.Context) {
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

// drain processes the waiting events, after the settings of a reload. The look-up of the programs of
// these settings ends with ctx.
func (n *Notifier) drain(ctx context.Context) {
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
		n.reload(ctx, *next)
	}
	if n.idle() {
		return
	}
	if lost > 0 {
		n.sequencer.resync(n.config.Groups())
	}
	for _, e := range events {
		n.sequencer.handle(e)
		n.informReader(e)
	}
}

// reload replaces the settings.
func (n *Notifier) reload(ctx context.Context, next Settings) {
	wasIdle := n.idle()
	n.settings = n.settings.followedBy(next)
	n.sequencer.reload(n.settings.HasAddresses)
	if wasIdle && !n.idle() {
		n.sequencer.recordAll(n.config.Groups())
	}
	go n.reportRefused(ctx, n.settings.Requests())
}

// finish waits for the commands of the last transitions.
func (n *Notifier) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	if err := n.runner.Drain(ctx); err != nil {
		// Without a runner none of them has begun: those under way when it was lost have a result.
		n.publish(event.NotifyUnfinished{Stamp: event.Stamp{At: time.Now()}, Err: err.Error(), Unrun: !n.config.Programs.Status().Ready})
	}
}

// emit runs the commands of a transition and writes its line.
func (n *Notifier) emit(t Transition) {
	of := t.subject()
	n.runner.Notify(t, n.settings.of(of)...)
	if n.fifo != nil {
		n.fifo.Write(t)
	}
	if t.To == event.Initialize {
		n.settings.stopped(of)
	}
}

// informReader writes the transitions of an adopted group to the FIFO if this daemon runs the
// reader: the previous daemon wrote to another process.
func (n *Notifier) informReader(e event.Event) {
	a, ok := e.(event.GroupAdopted)
	if !ok || n.reader == nil {
		return
	}
	for _, t := range adopted(a) {
		n.fifo.Write(t)
	}
}

// reportRefused reports the commands that cannot or must not be run, unless ctx ends before that is
// known.
func (n *Notifier) reportRefused(ctx context.Context, requests []command.Request) {
	all := Refused(ctx, n.config.Programs, requests)
	if ctx.Err() != nil {
		return
	}
	for _, r := range all {
		n.publish(event.NotifyRefused{Stamp: event.Stamp{At: time.Now()}, Command: r.Path, Err: r.Err.Error()})
	}
}
