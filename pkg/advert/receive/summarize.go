package receive

import (
	"maps"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/advert/validate"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/repeatfilter"
	"ripcord/pkg/vrrp"
)

// Where the kernel permits it, the filter of the raw socket drops and counts adverts that repeat
// the last one of an Active (pkg/repeatfilter); pkg/advert/repeats decides which. All counted
// adverts are reported before anything that may move a group.

// Filter is the table of filters that drop repeated adverts, as repeatfilter.Table.
type Filter interface {
	// Filter returns the descriptor of the filter for the sockets of a family.
	Filter(f event.Family, unicast bool) int
	// Slot assigns a slot to a virtual router on a link; nil if none is left.
	Slot(index int, f event.Family, vrid uint8) *repeatfilter.Slot
}

// Filtering is how the kernel drops repeated adverts, or why it does not. The zero value means
// that it was not requested.
type Filtering struct {
	Filter Filter // nil if each advert is read
	Why    string // why each advert is read; empty if that is as configured
}

// report logs once whether repeated adverts are dropped, unless that was not requested.
func (f Filtering) report(events *bus.Topic[event.Event], now time.Time) {
	if f.Filter != nil || f.Why != "" {
		events.Publish(event.AdvertFilter{Stamp: event.Stamp{At: now}, Why: f.Why})
	}
}

// summary handles the summarized adverts. Without a filter it does nothing.
type summary struct {
	filter  Filter
	sockets *sockets
	clock   func() (repeats.Clock, error)
	// report is called with a dropped advert, and the earlier ones that it stands for.
	report  func(*socket, *repeats.Run, vrrp.Heard)
	allowed repeats.Allowed
	image   []byte // of the present packet
	ahead   bool   // the adverts dropped before the present packets have been reported

	mu     sync.Mutex
	orders []vrrp.Summarize // orders that wait
	asked  []chan struct{}  // closed when all dropped adverts are counted
}

// newSummary returns the summary of a receiver.
func newSummary(cfg *Config, all *sockets, report func(*socket, *repeats.Run, vrrp.Heard)) *summary {
	clock := func() (repeats.Clock, error) { return readClocks(cfg.Now, repeatfilter.Now) }
	return &summary{filter: cfg.Filtering.Filter, sockets: all, clock: clock, report: report, allowed: make(repeats.Allowed)}
}

// readClocks reads both clocks at one instant. Time that passes between the two makes an advert
// seem to have arrived later; in the other order a Backup would take over too early, and there
// could be two Actives. If much time passes they are read again, a few times.
func readClocks(now func() time.Time, slot func() (time.Duration, error)) (c repeats.Clock, err error) {
	best := time.Duration(-1)
	for range clockReads {
		before, err := slot()
		if err != nil {
			return repeats.Clock{}, err
		}
		at := now()
		after, err := slot()
		if err != nil {
			return repeats.Clock{}, err
		}
		if took := after - before; best < 0 || took < best {
			c, best = repeats.Clock{Now: at, Slot: before}, took
		}
		if best <= clocksApart {
			break
		}
	}
	return c, nil
}

const (
	clockReads  = 4
	clocksApart = 20 * time.Microsecond
)

// order records orders of the router, for execute. It may be called from any goroutine.
func (s *summary) order(orders []vrrp.Summarize) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, orders...)
}

// ask asks execute to report all dropped adverts, and returns a channel that is closed then. It
// may be called from any goroutine.
func (s *summary) ask() <-chan struct{} {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, done)
	return done
}

// execute carries out the orders of the router, and closes the channels of ask.
func (s *summary) execute() {
	s.mu.Lock()
	orders, asked := s.orders, s.asked
	s.orders, s.asked = nil, nil
	s.mu.Unlock()
	for _, o := range orders {
		s.allowed[o.Instance.Name] = o.On
		if w := (*s.sockets)[socketKey{link: o.Instance.Interface, family: o.Instance.Family}]; w != nil {
			w.runs.Allow(o)
		}
	}
	if len(orders)+len(asked) > 0 {
		s.take()
	}
	for _, done := range asked {
		close(done)
	}
}

// assign assigns slots in the filter to the virtual routers of a raw socket, and releases those
// that they had.
func (s *summary) assign(w *socket, instances []*vrrp.Instance) {
	s.unassign(w)
	if w.port == nil || w.port.repeats == nil {
		return
	}
	var here []*vrrp.Instance
	for _, in := range instances {
		if in.Interface == w.socketKey.link && in.Family == w.family {
			here = append(here, in)
		}
	}
	for _, in := range repeats.Candidates(here) {
		slot := w.port.repeats.Slot(w.port.index, w.family, in.VRID)
		if slot == nil {
			return // the table is full: adverts for the other instances are read as they arrive
		}
		run := repeats.NewRun(in, slot)
		run.Allow(s.allowed[in.Name])
		w.runs.Add(run)
		w.slots = append(w.slots, slot)
	}
}

// unassign releases the slots of a socket.
func (s *summary) unassign(w *socket) {
	if len(w.slots) == 0 {
		return
	}
	s.stop(w)
	for _, slot := range w.slots {
		slot.Release()
	}
	w.slots, w.runs = nil, repeats.Set{}
}

// filterOf returns the filter for a socket: nil if it is no raw socket, or if another one reads
// the same link and family under another name.
func (s *summary) filterOf(w *socket) Filter {
	if s.filter == nil || w.packet() {
		return nil
	}
	for _, other := range *s.sockets {
		if other != w && other.port != nil && other.port.repeats != nil && other.family == w.family && other.port.index == w.link.Index {
			return nil
		}
	}
	return s.filter
}

// take reports all dropped adverts. If the next one is late, each advert is read as it arrives
// from now on.
func (s *summary) take() { s.each((*repeats.Set).Take) }

// sweep reports dropped adverts where that is due.
func (s *summary) sweep() { s.each((*repeats.Set).Sweep) }

// each applies take to the sockets that have slots.
func (s *summary) each(take func(*repeats.Set, repeats.Clock, func(*repeats.Run, vrrp.Heard))) {
	if s.filter == nil {
		return
	}
	clock, err := s.clock()
	if err != nil {
		return // every kernel has that clock
	}
	for _, w := range *s.sockets {
		if len(w.slots) > 0 {
			take(&w.runs, clock, func(run *repeats.Run, h vrrp.Heard) { s.report(w, run, h) })
		}
	}
}

// stop makes all adverts of some sockets be read as they arrive, until enough in a row are equal
// again: the facts on which their check depends have changed.
func (s *summary) stop(some ...*socket) {
	for _, w := range some {
		w.runs.Stop()
	}
	s.take()
}

// stopAll is stop for all sockets.
func (s *summary) stopAll() { s.stop(slices.Collect(maps.Values(*s.sockets))...) }

// begin records that packets were read, which are then checked one after another.
func (s *summary) begin() { s.ahead = false }

// takeAhead reports the adverts dropped before the packets that were read, once for all of them.
func (s *summary) takeAhead() {
	if !s.ahead {
		s.ahead = true
		s.take()
	}
}

// run returns the run of a packet that was read, if it has one. If the packet interrupts the run,
// the adverts dropped before it are reported first.
func (s *summary) run(w *socket, p *validate.Packet) *repeats.Run {
	if len(w.slots) == 0 {
		return nil
	}
	vrid, ok := repeatfilter.VRID(p.Family, p.Data)
	if !ok {
		return nil
	}
	run := w.runs.Run(vrid)
	if run != nil && run.Expecting() {
		s.takeAhead()
	}
	return run
}

// follow updates a run with a packet that was checked.
func (s *summary) follow(w *socket, run *repeats.Run, p *validate.Packet, v *validate.Verdict) {
	s.image = s.image[:0]
	if v.Plain && len(v.Events) == 0 && run.Allowed() {
		s.image = repeatfilter.Image(s.image, p.Family, p.Data, v.Heard.Source, p.Path.Dest, p.Path.HopLimit)
	}
	w.runs.Read(run, s.image, &v.Heard)
}
