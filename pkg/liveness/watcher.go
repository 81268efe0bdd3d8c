package liveness

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/thread"
	"ripcord/pkg/vrrp"
)

// Answers receives the answers of stations (neigh.Answers).
type Answers interface {
	// Read calls heard for each answer since the last call, and reports whether none was lost.
	Read(heard func(neigh.Sighting)) (all bool)
	Close() error
}

// Config is the configuration of a Watcher. All of it is required.
type Config struct {
	Links   *bus.Retained[string, event.Link]
	Results *bus.Topic[vrrp.Result]
	Minter  *event.Minter
	Sender  neigh.Sender // only for the Watcher
	// Open opens the receiver of answers when the first machine has to be watched.
	Open func() (Answers, error)
	// OtherStations returns up to n stations of a link that can be asked, except the one with that
	// MAC.
	OtherStations func(link string, mac [6]byte, n int) []netip.Addr
	// Failed is called when answers cannot be received, so that no machine is watched until the
	// next attempt.
	Failed  func(error)
	Threads thread.Raiser
	Now     func() time.Time
}

// Watcher asks the machines that have to be watched and reports their liveness. Make it with New.
type Watcher struct {
	cfg  Config
	bell bus.Bell

	mu     sync.Mutex
	orders []vrrp.Watch
	shares map[Key]share // of the watched machines, as of the last turn

	// The fields below belong to the goroutine of Run.
	links   *bus.Merged[string, event.Link]
	table   *Table
	answers Answers // nil while no machine is watched
	retry   time.Time
	batch   neigh.Batch
}

// share is the number of answered questions among the last ones.
type share struct{ answered, asked int }

// retryEvery is the period of attempts to receive answers.
const retryEvery = 10 * time.Second

// New returns a Watcher that watches nothing. It starts nothing.
func New(cfg Config) *Watcher {
	w := &Watcher{cfg: cfg, bell: bus.NewBell(), shares: make(map[Key]share), table: NewTable(cfg.Now(), cfg.OtherStations)}
	w.links = cfg.Links.Subscribe(w.bell)
	return w
}

// Watch queues orders. It never blocks and never loses one.
func (w *Watcher) Watch(orders ...vrrp.Watch) {
	w.mu.Lock()
	w.orders = append(w.orders, orders...)
	w.mu.Unlock()
	w.bell.Ring()
}

// Answered returns how many of the last questions an Active on a link answered, and their number:
// at most a hundred, and zero if it is not watched.
func (w *Watcher) Answered(link string, active netip.Addr) (answered, asked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.shares[Key{link, active.WithZone("")}]
	return s.answered, s.asked
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	// Late answers have to be requested again, so the thread runs before others, like the address
	// worker's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	slower := func(thread.Priority, error) {} // without the right to it, the thread is later if processors are busy
	defer w.cfg.Threads.Raise(ctx, slower, thread.Nice)()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.turn()
		if at, ok := w.deadline(); ok {
			timer.Reset(max(at.Sub(w.cfg.Now()), 0))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			w.close()
			return nil
		case <-w.bell:
		case <-timer.C:
		}
	}
}

// turn processes orders and links, then reads all answers, and then evaluates and asks.
func (w *Watcher) turn() {
	now := w.cfg.Now()
	for _, l := range w.links.Take() {
		w.table.Link(l)
	}
	for _, o := range w.take() {
		w.table.Watch(now, o)
	}
	defer w.count()
	if !w.listen(now) {
		return
	}
	heard := func(s neigh.Sighting) {
		w.table.Heard(Answer{Index: s.Index, Address: s.Address.WithZone(""), MAC: s.MAC})
	}
	if !w.answers.Read(heard) {
		w.table.Void()
	}
	w.ask(w.table.Turn(w.cfg.Now()))
	w.publish()
}

// count updates the shares for Answered.
func (w *Watcher) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.shares)
	w.table.Shares(func(k Key, answered, asked int) { w.shares[k] = share{answered, asked} })
}

func (w *Watcher) take() []vrrp.Watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	orders := w.orders
	w.orders = nil
	return orders
}

// listen opens the receiver of answers while machines are watched, closes it when none is, and
// reports whether it is open.
func (w *Watcher) listen(now time.Time) bool {
	switch {
	case !w.table.Watching():
		w.close()
	case w.answers == nil && !now.Before(w.retry):
		answers, err := w.cfg.Open()
		if err != nil {
			w.retry = now.Add(retryEvery)
			w.cfg.Failed(err)
			return false
		}
		w.answers = answers
	}
	return w.answers != nil
}

func (w *Watcher) close() {
	if w.answers != nil {
		_ = w.answers.Close() // the kernel closes them whatever it returns
		w.answers = nil
	}
}

// deadline returns when turn has something to do if nothing happens; false: never.
func (w *Watcher) deadline() (time.Time, bool) {
	at, ok := w.table.Deadline()
	if ok && w.answers == nil {
		at = w.retry
	}
	return at, ok
}

// ask sends questions. A question that cannot be sent does not count.
func (w *Watcher) ask(questions []Question) {
	if len(questions) == 0 {
		return
	}
	w.batch.Reset()
	for _, q := range questions {
		if q.MAC == [6]byte{} {
			w.batch.Ask(q.Link, q.Station)
		} else {
			w.batch.AskAt(q.Link, q.Station, q.MAC)
		}
	}
	frames := w.batch.Frames()
	now := w.cfg.Now()
	w.cfg.Sender.Send(frames)
	for i := range questions {
		if frames[i].Err == nil {
			questions[i].Sent(now)
		}
	}
}

// publish publishes the reports of the table.
func (w *Watcher) publish() {
	for _, r := range w.table.Results() {
		r.Cause = w.cfg.Minter.Cause(w.cfg.Now())
		w.cfg.Results.Publish(r)
	}
}
