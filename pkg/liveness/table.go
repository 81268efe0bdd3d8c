package liveness

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Key identifies a machine: an address on a link.
type Key struct {
	Link    string
	Address netip.Addr
}

// Question is a frame to send on a link which asks the station with that address for an answer. It
// goes to the station at MAC, or is broadcast if MAC is zero.
type Question struct {
	Link    event.Link
	Station netip.Addr
	MAC     [6]byte
	of      *machine // its record has to know when the question was sent; nil: it asks another station
}

// Answer is the answer of a station on a link.
type Answer struct {
	Index   int // ifindex
	Address netip.Addr
	MAC     [6]byte
}

// Table holds the watched machines and the instances for which they are watched. It is for one
// goroutine.
type Table struct {
	machines map[Key]*machine
	order    []*machine     // the same, in the order in which they were first watched
	watched  map[string]Key // by instance
	links    map[string]event.Link
	names    map[int]string // of the links, by ifindex
	// otherStations returns up to n stations of a link that can be asked, except the one with that
	// MAC.
	otherStations func(link string, mac [6]byte, n int) []netip.Addr
	epoch         time.Time // questions of one pace are sent together, at times counted from here
	results       []vrrp.Watched
	ask           []Question // the questions of the last Turn: their memory is reused
}

// machine is one watched machine.
type machine struct {
	Key
	Record
	mac       [6]byte   // of its last answer; zero: it never answered
	instances []string  // the instances for which it is watched
	due       time.Time // the time of the next evaluation and question; zero: at once
	answered  bool      // since the last question
	// others are the other stations that were asked, and answers is the time of the last question
	// that one of them answered.
	others   []netip.Addr
	known    bool // others were asked since the silence began
	answers  time.Time
	reported vrrp.Watched // the last report
}

// maxOthers is the number of other stations that are asked.
const maxOthers = 3

// NewTable returns an empty table. otherStations returns up to n stations of a link that can be
// asked, except the one with that MAC. Questions of one pace are sent together, at instants counted
// from epoch.
func NewTable(epoch time.Time, otherStations func(link string, mac [6]byte, n int) []netip.Addr) *Table {
	return &Table{
		machines: make(map[Key]*machine), watched: make(map[string]Key), links: make(map[string]event.Link),
		names: make(map[int]string), otherStations: otherStations, epoch: epoch,
	}
}

// Watch executes an order of the router.
func (t *Table) Watch(now time.Time, o vrrp.Watch) {
	name, key := o.Instance.Name, Key{o.Instance.Interface, o.Active.WithZone("")}
	t.forget(name, key)
	if !o.Active.IsValid() {
		return
	}
	m := t.machines[key]
	if m == nil {
		m = &machine{Key: key, due: t.next(now, o.Instance.Watching.Interval)}
		t.machines[key], t.order = m, append(t.order, m)
	}
	t.watched[name] = key
	if w := o.Instance.Watching; m.Watching != w && (len(m.instances) == 0 || w.Interval < m.Interval) {
		m.Record, m.reported = Record{Watching: w}, vrrp.Watched{} // the shortest interval of those for which it is watched
	}
	m.instances = append(m.instances, name)
	if last := m.reported; last.Liveness != vrrp.Unasked {
		last.Instance = name
		t.results = append(t.results, last)
	}
}

// forget ends the watch for an instance, which next watches the machine of that key. It drops a
// machine that no instance watches any more.
func (t *Table) forget(instance string, next Key) {
	key, ok := t.watched[instance]
	if !ok {
		return
	}
	delete(t.watched, instance)
	m := t.machines[key]
	m.instances = slices.DeleteFunc(m.instances, func(n string) bool { return n == instance })
	if len(m.instances) == 0 && key != next {
		delete(t.machines, key)
		t.order = slices.DeleteFunc(t.order, func(o *machine) bool { return o == m })
	}
}

// Link records a fact about a link.
func (t *Table) Link(l event.Link) {
	if was := t.links[l.Name].Index; was != l.Index && t.names[was] == l.Name {
		delete(t.names, was)
	}
	if l.Index != 0 {
		t.links[l.Name], t.names[l.Index] = l, l.Name
	} else {
		delete(t.links, l.Name) // names come and go
	}
	if l.Usable {
		return
	}
	for _, m := range t.order {
		if m.Link == l.Name {
			m.void()
		}
	}
}

// Heard records an answer of a station.
func (t *Table) Heard(a Answer) {
	link, ok := t.names[a.Index]
	if !ok {
		return
	}
	if m := t.machines[Key{link, a.Address}]; m != nil {
		if m.answered = true; a.MAC != [6]byte{} {
			m.mac = a.MAC
		}
		return
	}
	for _, m := range t.order {
		if m.Link != link || !m.Suspect() || !slices.Contains(m.others, a.Address) {
			continue
		}
		if a.MAC == m.mac { // it is the machine itself, with another address
			m.answered = true
		} else {
			m.answers = m.open
		}
	}
}

// Void drops all silence: this process did not run, or has lost messages.
func (t *Table) Void() {
	for _, m := range t.order {
		m.void()
	}
}

func (m *machine) void() {
	m.Record.Void()
	m.others, m.known, m.answers = nil, false, time.Time{}
}

// Turn evaluates the machines whose answers are due, and returns the questions to send now; they
// are valid until the next Turn. Before it, all received answers are passed to Heard.
func (t *Table) Turn(now time.Time) []Question {
	t.ask = t.ask[:0]
	for _, m := range t.order {
		if m.answered || !now.Before(m.due) {
			m.judge(now)
			t.report(m)
		}
		if now.Before(m.due) {
			continue
		}
		m.due = t.next(now, m.Pace())
		l := t.links[m.Link]
		if !l.Usable || !l.Resolves() || m.Address.Is6() && !l.LinkLocal6.IsValid() {
			m.void()
			continue
		}
		t.addQuestions(m, l)
	}
	return t.ask
}

// asleep is the greatest delay of the evaluation of a machine, in its intervals: with a smaller
// delay, this process ran when the answer came in.
const asleep = 1

// judge evaluates a machine by its answers since the last question.
func (m *machine) judge(now time.Time) {
	answered := m.answered
	m.answered = false
	if late := now.Sub(m.due); !answered && late > asleep*m.Interval {
		m.void()
		return
	}
	if m.Judge(now, answered); !m.Suspect() {
		m.others, m.known, m.answers = nil, false, time.Time{}
	}
}

// addQuestions adds the question to a machine, and if it is suspect also questions to others on its
// link.
func (t *Table) addQuestions(m *machine, l event.Link) {
	if !m.Suspect() {
		t.ask = append(t.ask, Question{Link: l, Station: m.Address, MAC: m.mac, of: m})
		return
	}
	t.ask = append(t.ask, Question{Link: l, Station: m.Address, of: m})
	if !m.known {
		m.known = true
		for _, a := range t.otherStations(m.Link, m.mac, 2*maxOthers) {
			asks := a.Is4() || l.LinkLocal6.IsValid()
			if a = a.WithZone(""); asks && t.machines[Key{m.Link, a}] == nil && len(m.others) < maxOthers {
				m.others = append(m.others, a)
			}
		}
	}
	for _, a := range m.others {
		t.ask = append(t.ask, Question{Link: l, Station: a})
	}
}

// Sent records that a question was sent at the instant now.
func (q *Question) Sent(now time.Time) {
	if q.of != nil {
		q.of.Asked(now)
	}
}

// report reports the liveness of a machine if it has changed.
func (t *Table) report(m *machine) {
	is := vrrp.Watched{Active: m.Address, Liveness: m.Liveness()}
	if is.Liveness == vrrp.Silent {
		is.Since, is.Unanswered = m.since, m.unanswered
		is.Answered, is.Asked = m.Answered()
		is.OtherStations = m.othersShow()
		if m.reported.Liveness == vrrp.Silent && m.reported.OtherStations == is.OtherStations {
			return
		}
	} else if m.reported.Liveness == is.Liveness {
		return
	}
	m.reported = is
	for _, name := range m.instances {
		is.Instance = name
		t.results = append(t.results, is)
	}
}

// othersShow returns what the other stations did since the machine fell silent. An answer of one
// shows that the segment forwards if the station was asked in the last interval of the silence.
func (m *machine) othersShow() vrrp.OtherStations {
	switch {
	case !m.answers.IsZero() && !m.answers.Before(m.since.Add(m.silent-m.Interval)):
		return vrrp.OtherStationsAnswer
	case m.known && len(m.others) == 0:
		return vrrp.NoOtherStation
	}
	return vrrp.OtherStationsSilent
}

// Results returns the pending reports, and clears them.
func (t *Table) Results() []vrrp.Watched {
	all := t.results
	t.results = nil
	return all
}

// Deadline returns the instant of the next Turn; false if nothing is watched.
func (t *Table) Deadline() (next time.Time, ok bool) {
	for _, m := range t.order {
		if !ok || m.due.Before(next) {
			next, ok = m.due, true
		}
	}
	return next, ok
}

// Shares calls yield for each machine with its answered questions among the last ones.
func (t *Table) Shares(yield func(k Key, answered, asked int)) {
	for _, m := range t.order {
		answered, asked := m.Answered()
		yield(m.Key, answered, asked)
	}
}

// Watching reports whether any machine is watched.
func (t *Table) Watching() bool { return len(t.machines) > 0 }

// next returns the next instant at which questions of a pace are sent together: at least half a
// pace away, so that each answer has time to come.
func (t *Table) next(now time.Time, pace time.Duration) time.Time {
	return t.epoch.Add((now.Sub(t.epoch) + pace/2).Truncate(pace) + pace)
}
