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

// Lane lists the successive states of a group of a router, or of an instance without a group.
type Lane struct {
	Router string `json:"router"`
	Group  string `json:"group"`
	States []Span `json:"states"`
}

// Span is a period in which a group had one state.
type Span struct {
	State string `json:"state"` // initialize, backup, active, fault; paused, off
	From  Nanos  `json:"from_ns"`
	To    Nanos  `json:"to_ns"`
}

// Service lists who served some addresses of a segment that always moved together.
type Service struct {
	Segment   string    `json:"segment"`
	Addresses []string  `json:"addresses"`
	Served    []Serving `json:"served"`
	Outages   []Outage  `json:"outages"`
	Splits    []Split   `json:"two_actives"`
}

// Serving is a period in which the same routers served: one, none, or several.
type Serving struct {
	Routers []string `json:"routers"`
	From    Nanos    `json:"from_ns"`
	To      Nanos    `json:"to_ns"`

	idle bool // no router has the address in its configuration
}

// Outage is a period in which no router served.
type Outage struct {
	From   Nanos  `json:"from_ns"`
	To     Nanos  `json:"to_ns"`
	Before string `json:"before"` // the router that served before; empty: none did
	After  string `json:"after"`  // the router that served afterwards; empty: none until the end of the play
}

// Long returns the length of the outage.
func (o Outage) Long() time.Duration { return o.To - o.From }

// Split is a period in which two or more routers served.
type Split struct {
	From    Nanos    `json:"from_ns"`
	To      Nanos    `json:"to_ns"`
	Routers []string `json:"routers"`
}

// Long returns the length of the split.
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
	group string // the group of the member, if the group logs the same
}

// HandingOver is the longest time that two routers may serve during a handover: until the first
// advert of the better one has crossed the segment. Shorter splits are not reported.
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

// LongestSplit returns the longest split of any address; false if there was none.
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

// add adds an address to the result. It joins the service whose addresses moved in the same way,
// if there is one.
func (r *Result) add(at served, spans []Serving) {
	for i := range r.Services {
		of := &r.Services[i]
		if of.Segment == at.segment && slices.EqualFunc(of.Served, spans, sameServing) {
			of.Addresses = append(of.Addresses, at.address)
			return
		}
	}
	of := Service{Segment: at.segment, Addresses: []string{at.address}, Served: spans}
	of.findOutages()
	r.Services = append(r.Services, of)
}

// findOutages derives the outages and splits of a service.
func (s *Service) findOutages() {
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

// starts reports whether a period lies between the reload that added an address and the first
// router that served it. That is no outage, since no host used the address before.
func (s *Service) starts(i int) bool {
	return i > 0 && s.Served[i-1].idle && i+1 < len(s.Served) && len(s.Served[i+1].Routers) > 0 && len(s.Served[i].Routers) == 0
}

// join appends a period in which several routers served to the last split if it continues it, and
// else begins a new split.
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

// verdict returns the last line of the text: the longest outage and the longest split.
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
