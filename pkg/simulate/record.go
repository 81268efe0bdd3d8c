package simulate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/sim"
	"ripcord/pkg/vrrp"
)

// record collects what happens during a play.
type record struct {
	lan   *LAN
	world *sim.World
	zero  time.Time
	moved time.Time // when the state of any group last changed

	lanes    []*lane
	serving  map[holder][]served
	services map[served]*service
	order    []*service
	acts     []Entry
	log      []Line
	lost     int
}

// maxLines is the number of lines of the log that are kept.
const maxLines = 20_000

// served is an address on a segment. The VRID takes the place of the address if an instance has
// none.
type served struct{ segment, address string }

// service records which routers serve an address.
type service struct {
	served
	holders []holder // the current holders, in the order in which they began to serve
	offered []string // the routers that have the address in their configuration
	spans   []Serving
}

// holder is an instance that serves an address. Several instances of one router may serve the
// same address.
type holder struct{ router, instance, iface string }

// routers returns the routers that serve the address now.
func (s *service) routers() []string {
	names := []string{}
	for _, h := range s.holders {
		if !slices.Contains(names, h.router) {
			names = append(names, h.router)
		}
	}
	return names
}

// lane records the states of a group of a router.
type lane struct {
	router, group string
	state         event.State
	off, still    bool
	absent        bool // the group is not in the configuration of the router, so nothing is drawn
	spans         []Span
}

func newRecord(l *LAN, w *sim.World) *record {
	r := &record{lan: l, world: w, serving: make(map[holder][]served), services: make(map[served]*service), zero: w.Now()}
	for _, of := range l.routers {
		r.configure(of.Name, of.Config.Groups)
	}
	w.OnServe = func(of *sim.Router, in *vrrp.Instance, serves bool) { r.serve(of.Name, in, serves) }
	w.OnEvent = func(of *sim.Router, e event.Event) { r.event(of.Name, e) }
	w.OnPower = func(of *sim.Router, on bool) { r.power(of.Name, on) }
	return r
}

// elapsed returns the time since the instant 0.
func (r *record) elapsed() time.Duration { return r.world.Now().Sub(r.zero) }

// begin discards what happened before the instant 0, and keeps the state at that instant.
func (r *record) begin(zero time.Time) {
	r.zero = zero
	for _, l := range r.lanes {
		l.spans = []Span{{State: l.shown()}}
	}
	for _, s := range r.order {
		s.spans = []Serving{{Routers: s.routers(), idle: len(s.offered) == 0}}
	}
	r.log, r.lost = nil, 0
}

// addresses returns what an instance serves: its addresses, or its VRID if it has none.
func addresses(in *vrrp.Instance) (all []string) {
	for _, list := range [][]netip.Addr{in.Addresses, in.Extra} {
		for _, a := range list {
			all = append(all, a.String())
		}
	}
	if len(all) == 0 {
		all = []string{fmt.Sprintf("VRID %d", in.VRID)}
	}
	return all
}

// of returns the service of an address, and creates it if needed.
func (r *record) of(segment, address string) *service {
	key := served{segment, address}
	s := r.services[key]
	if s == nil {
		s = &service{served: key}
		s.spans = []Serving{{Routers: []string{}, idle: true}} // until now
		r.services[key] = s
		r.order = append(r.order, s)
	}
	return s
}

// configure records the addresses that a router has in its configuration from now on.
func (r *record) configure(router string, groups []vrrp.Group) {
	for _, s := range r.order {
		s.offered = slices.DeleteFunc(s.offered, func(name string) bool { return name == router })
	}
	links := r.lan.router(router).links
	for _, l := range r.lanes {
		if l.router == router {
			r.change(router, l.group, func(l *lane) { l.absent = !slices.Contains(titles(groups), l.group) })
		}
	}
	for g := range groups {
		r.lane(router, groups[g].Title())
		for i := range groups[g].Members {
			in := &groups[g].Members[i]
			for _, a := range addresses(in) {
				s := r.of(links[in.Interface].Segment, a)
				s.offered = append(s.offered, router)
			}
		}
	}
	for _, s := range r.order {
		r.span(s) // an address that no router has configured is not missing
	}
}

// lane returns the lane of a group of a router, and creates it if needed.
func (r *record) lane(router, group string) *lane {
	for _, l := range r.lanes {
		if l.router == router && l.group == group {
			return l
		}
	}
	l := &lane{router: router, group: group}
	l.spans = []Span{{State: l.shown(), From: r.elapsed()}}
	r.lanes = append(r.lanes, l)
	return l
}

// serve records that an instance begins to serve its addresses, serves other addresses, or stops.
func (r *record) serve(router string, in *vrrp.Instance, serves bool) {
	h := holder{router, in.Name, in.Interface}
	was, now := r.serving[h], []served(nil)
	if serves {
		segment := r.lan.router(router).links[in.Interface].Segment
		for _, a := range addresses(in) {
			now = append(now, served{segment, a})
		}
	}
	r.serving[h] = now
	for _, a := range was {
		if !slices.Contains(now, a) {
			s := r.of(a.segment, a.address)
			s.holders = slices.DeleteFunc(s.holders, func(one holder) bool { return one == h })
			r.span(s)
		}
	}
	for _, a := range now {
		if !slices.Contains(was, a) {
			s := r.of(a.segment, a.address)
			s.holders = append(s.holders, h)
			r.span(s)
		}
	}
}

// span begins a new span of a service if other routers serve from now on.
func (r *record) span(s *service) {
	now, last := r.elapsed(), &s.spans[len(s.spans)-1]
	is := Serving{Routers: s.routers(), From: now, idle: len(s.offered) == 0}
	switch {
	case slices.Equal(last.Routers, is.Routers) && last.idle == is.idle:
	case last.From == now:
		*last = is
	default:
		last.To = now
		s.spans = append(s.spans, is)
	}
}

// event records an event that a router logs.
func (r *record) event(router string, e event.Event) {
	switch e := e.(type) {
	case event.GroupTransition:
		r.move(router, e.Group, e.To)
	case event.InstanceTransition:
		if e.Group == "" {
			r.move(router, e.Virtual.Name, e.To)
		}
	}
	if e.Level() < event.Info {
		return
	}
	if len(r.log) == maxLines {
		r.lost++
		return
	}
	line := Line{At: r.elapsed(), Router: router, Level: e.Level().String(), Event: e.Name(), Message: e.Message(), Fields: make(map[string]any), level: e.Level()}
	for _, f := range e.Fields() {
		line.Fields[f.Key] = f.Value
		if at, ok := f.Value.(time.Time); ok && !at.IsZero() { // a time of the run, not of the calendar
			since := at.Sub(r.zero)
			line.Fields[f.Key] = Nanos(since)
			line.Message = strings.ReplaceAll(line.Message, at.Format(time.RFC3339), instant(since))
		}
	}
	if t, ok := e.(event.InstanceTransition); ok && t.Group != "" && !t.Alone {
		line.group = t.Group
	}
	r.log = append(r.log, line)
}

// move records the state of a group.
func (r *record) move(router, group string, to event.State) {
	r.moved = r.world.Now()
	r.change(router, group, func(l *lane) { l.state = to })
}

// power records that a router is switched on or off.
func (r *record) power(router string, on bool) {
	r.changeAll(router, func(l *lane) { l.off, l.still, l.state = !on, false, event.Initialize })
}

// stand records that a router stops running for a while, or continues.
func (r *record) stand(router string, still bool) {
	r.changeAll(router, func(l *lane) { l.still = still && !l.off })
}

// changeAll changes all lanes of a router.
func (r *record) changeAll(router string, to func(*lane)) {
	for _, l := range r.lanes {
		if l.router == router {
			r.change(router, l.group, to)
		}
	}
}

// change changes a lane, and begins a new span if the shown state changes.
func (r *record) change(router, group string, to func(*lane)) {
	l := r.lane(router, group)
	to(l)
	now, last := r.elapsed(), &l.spans[len(l.spans)-1]
	switch shown := l.shown(); {
	case last.State == shown:
	case last.From == now:
		last.State = shown
	default:
		last.To = now
		l.spans = append(l.spans, Span{State: shown, From: now})
	}
}

// shown returns the state to draw, such as paused for a paused router; empty if
// nothing is to be drawn.
func (l *lane) shown() string {
	switch {
	case l.absent:
		return ""
	case l.off:
		return "off"
	case l.still:
		return "paused"
	}
	return l.state.String()
}

// act records an act.
func (r *record) act(a Act) { r.acts = append(r.acts, Entry{a.At, a.Text}) }

// result returns the result of a play of the given length.
func (r *record) result(long time.Duration) *Result {
	res := &Result{
		Length: long, Routers: r.lan.names(), Notes: append([]string{}, r.lan.Notes...), Advice: r.lan.Advice(),
		Acts: append([]Entry{}, r.acts...), Log: append([]Line{}, r.log...), Lost: r.lost,
	}
	for _, l := range r.lanes {
		l.spans[len(l.spans)-1].To = long
		shown := slices.DeleteFunc(l.spans, func(s Span) bool { return s.State == "" })
		res.Groups = append(res.Groups, Lane{l.router, l.group, shown})
	}
	at := func(s *service) int { return slices.Index(r.lan.segments, s.segment) }
	slices.SortStableFunc(r.order, func(a, b *service) int { return cmp.Compare(at(a), at(b)) })
	for _, s := range r.order {
		s.spans[len(s.spans)-1].To = long
		res.add(s.served, s.spans)
	}
	return res
}

func sameServing(a, b Serving) bool {
	return a.From == b.From && a.To == b.To && a.idle == b.idle && slices.Equal(a.Routers, b.Routers)
}
