package simulate

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Result is what happened in a play. All instants count from the instant 0 of the acts.
type Result struct {
	Length   Nanos     `json:"length_ns"`
	Routers  []string  `json:"routers"`
	Notes    []string  `json:"notes"`
	Advice   []string  `json:"advice"`
	Acts     []Entry   `json:"acts"`
	Groups   []Lane    `json:"groups"`
	Services []Service `json:"addresses"`
	Log      []Line    `json:"log"`
	Lost     int       `json:"log_lines_left_out"`
}

// Nanos is a time or an instant in nanoseconds.
type Nanos = time.Duration

// Entry is an act that was done.
type Entry struct {
	At   Nanos  `json:"at_ns"`
	Text string `json:"text"`
}

// Lane is the states of a group of a router, or of an instance outside any group, one after
// another.
type Lane struct {
	Router string `json:"router"`
	Group  string `json:"group"`
	States []Span `json:"states"`
}

// Span is a state from an instant to another.
type Span struct {
	State string `json:"state"` // initialize, backup, active, fault; paused, off
	From  Nanos  `json:"from_ns"`
	To    Nanos  `json:"to_ns"`
}

// Service is who served some addresses of a segment, all of which moved together.
type Service struct {
	Segment   string    `json:"segment"`
	Addresses []string  `json:"addresses"`
	Served    []Serving `json:"served"`
	Outages   []Outage  `json:"outages"`
	Splits    []Split   `json:"two_actives"`
}

// Serving is a time in which the same routers served; none or more than one are possible.
type Serving struct {
	Routers []string `json:"routers"`
	From    Nanos    `json:"from_ns"`
	To      Nanos    `json:"to_ns"`

	idle bool // no router has the address in its configuration
}

// Outage is a time in which nobody served.
type Outage struct {
	From   Nanos  `json:"from_ns"`
	To     Nanos  `json:"to_ns"`
	Before string `json:"before"` // the router that served before; empty: none did
	After  string `json:"after"`  // the one that served then; empty: none did until the end
}

// Long returns how long it took.
func (o Outage) Long() time.Duration { return o.To - o.From }

// Split is a time in which two or more routers served.
type Split struct {
	From    Nanos    `json:"from_ns"`
	To      Nanos    `json:"to_ns"`
	Routers []string `json:"routers"`
}

// Long returns how long it lasted.
func (s Split) Long() time.Duration { return s.To - s.From }

// Line is a line of the log of a router.
type Line struct {
	At      Nanos          `json:"at_ns"`
	Router  string         `json:"router"`
	Level   string         `json:"level"`
	Event   string         `json:"event"`
	Message string         `json:"msg"`
	Fields  map[string]any `json:"fields"`

	level event.Level
	group string // of a member whose group logs the same
}

// HandingOver is how long two routers may serve while one hands over to the other: until the
// first advert of the better one has crossed the segment. No longer time is called that.
const HandingOver = 5 * time.Millisecond

// WorstOutage returns the longest outage of any address; false if there was none.
func (r *Result) WorstOutage() (of Service, worst Outage, ok bool) {
	for _, s := range r.Services {
		for _, o := range s.Outages {
			if !ok || o.Long() > worst.Long() {
				of, worst, ok = s, o, true
			}
		}
	}
	return of, worst, ok
}

// LongestSplit returns the longest time in which two routers served an address; false if there
// was none.
func (r *Result) LongestSplit() (of Service, longest Split, ok bool) {
	for _, s := range r.Services {
		for _, split := range s.Splits {
			if !ok || split.Long() > longest.Long() {
				of, longest, ok = s, split, true
			}
		}
	}
	return of, longest, ok
}

// add adds an address to the result: to one that moved in the same way, if there is one.
func (r *Result) add(at served, spans []Serving) {
	for i := range r.Services {
		of := &r.Services[i]
		if of.Segment == at.segment && slices.EqualFunc(of.Served, spans, sameServing) {
			of.Addresses = append(of.Addresses, at.address)
			return
		}
	}
	of := Service{Segment: at.segment, Addresses: []string{at.address}, Served: spans}
	of.judge()
	r.Services = append(r.Services, of)
}

// judge finds the outages and splits of a service.
func (s *Service) judge() {
	s.Outages, s.Splits = []Outage{}, []Split{}
	for i, v := range s.Served {
		switch {
		case v.idle, s.starts(i):
		case len(v.Routers) == 0:
			o := Outage{From: v.From, To: v.To}
			if i > 0 && len(s.Served[i-1].Routers) > 0 {
				o.Before = s.Served[i-1].Routers[0]
			}
			if i+1 < len(s.Served) && len(s.Served[i+1].Routers) > 0 {
				o.After = s.Served[i+1].Routers[0]
			}
			s.Outages = append(s.Outages, o)
		case len(v.Routers) > 1:
			s.join(v)
		}
	}
	s.Splits = slices.DeleteFunc(s.Splits, func(s Split) bool { return s.Long() <= HandingOver })
}

// starts reports whether a time is that between the reload that brought an address and the first
// router that served it: nobody was used to it by then.
func (s *Service) starts(i int) bool {
	return i > 0 && s.Served[i-1].idle && i+1 < len(s.Served) && len(s.Served[i+1].Routers) > 0 && len(s.Served[i].Routers) == 0
}

// join adds a time in which several served to the split before, where it goes on.
func (s *Service) join(v Serving) {
	n := len(s.Splits)
	if n == 0 || s.Splits[n-1].To != v.From {
		s.Splits = append(s.Splits, Split{v.From, v.To, slices.Clone(v.Routers)})
		return
	}
	last := &s.Splits[n-1]
	last.To = v.To
	for _, r := range v.Routers {
		if !slices.Contains(last.Routers, r) {
			last.Routers = append(last.Routers, r)
		}
	}
}

// verdict is the last line: the worst of all.
func (r *Result) verdict() string {
	line := "No address was ever without a router"
	if of, worst, ok := r.WorstOutage(); ok {
		line = fmt.Sprintf("Longest outage: %s, of %s on %s", written(worst.Long()), of.title(), of.Segment)
	}
	if of, longest, ok := r.LongestSplit(); ok {
		return line + fmt.Sprintf("; two Actives for %s, of %s on %s.", written(longest.Long()), of.title(), of.Segment)
	}
	if r.apart() {
		return line + "; never two Actives on one segment."
	}
	return line + "; never two Actives."
}

// apart reports whether an address is served on two segments.
func (r *Result) apart() bool {
	on := make(map[string]string)
	for _, s := range r.Services {
		for _, a := range s.Addresses {
			if before, known := on[a]; known && before != s.Segment {
				return true
			}
			on[a] = s.Segment
		}
	}
	return false
}
