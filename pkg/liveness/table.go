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

// Question is a frame to send on a link: is the station with that address there? It goes to the
// station at MAC, or to all if that is zero.
type Question struct {
	Link    event.Link
	Station netip.Addr
	MAC     [6]byte
	of      *machine // whose record has to know that it left; nil: it asks another station
}

// Answer is a station that was heard on a link.
type Answer struct {
	Index   int // ifindex
	Address netip.Addr
	MAC     [6]byte
}

// Table knows which machines are watched for which instances. It is a value for one goroutine.
type Table struct {
	machines map[Key]*machine
	order    []*machine     // the same, in the order in which they were first watched
	watched  map[string]Key // by instance
	links    map[string]event.Link
	names    map[int]string // of the links, by ifindex
	// beside returns up to n stations of a link that can be asked, beside the one with that MAC.
	beside  func(link string, mac [6]byte, n int) []netip.Addr
	epoch   time.Time // all questions of one pace leave together, counted from here
	results []vrrp.Watched
	ask     []Question // of the last Turn: their memory is used again
}

// machine is one that is watched.
type machine struct {
	Key
	Record
	mac       [6]byte   // from which it answered last; zero: it never did
	instances []string  // for which it is watched
	due       time.Time // when it is judged and asked next; zero: at once
	answered  bool      // since it was last asked
	// others are the stations that were asked beside it, and answers is when one was last
	// asked that answered.
	others   []netip.Addr
	known    bool // others were asked since the silence began
	answers  time.Time
	reported vrrp.Watched // the last one
}

// mostOthers is how many other stations are asked.
const mostOthers = 3

// NewTable returns a table of no machine. Beside returns up to n stations of a link that can be
// asked, beside the one with that MAC. Questions of one pace leave together, at instants that are counted from epoch.
func NewTable(epoch time.Time, beside func(link string, mac [6]byte, n int) []netip.Addr) *Table {
	return &Table{
		machines: make(map[Key]*machine), watched: make(map[string]Key), links: make(map[string]event.Link),
		names: make(map[int]string), beside: beside, epoch: epoch,
	}
}

// Watch takes an order of the router.
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

// forget ends what is watched for an instance, which is next to watch the machine of that key. A
// machine that nobody watches any more is forgotten.
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

// Link takes a fact about a link.
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

// Heard takes a station that was heard on a link.
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
		if a.MAC == m.mac { // it is the machine itself, by another address of its own
			m.answered = true
		} else {
			m.answers = m.open
		}
	}
}

// Void forgets all silence: this process did not run, or has lost what it should have heard.
func (t *Table) Void() {
	for _, m := range t.order {
		m.void()
	}
}

func (m *machine) void() {
	m.Record.Void()
	m.others, m.known, m.answers = nil, false, time.Time{}
}

// Turn judges the machines whose answers are due, and returns the questions that are to be sent
// now; they are valid until the next Turn. Before it all that has been received is given to Heard.
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

// asleep is how late a machine may be judged, in its intervals: this process ran when the answer
// came in if it was not later.
const asleep = 1

// judge judges a machine by what was heard since it was last asked.
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

// addQuestions adds the question to a machine, and beside one that is suspected to others on its
// link.
func (t *Table) addQuestions(m *machine, l event.Link) {
	if !m.Suspect() {
		t.ask = append(t.ask, Question{Link: l, Station: m.Address, MAC: m.mac, of: m})
		return
	}
	t.ask = append(t.ask, Question{Link: l, Station: m.Address, of: m})
	if !m.known {
		m.known = true
		for _, a := range t.beside(m.Link, m.mac, 2*mostOthers) {
			asks := a.Is4() || l.LinkLocal6.IsValid()
			if a = a.WithZone(""); asks && t.machines[Key{m.Link, a}] == nil && len(m.others) < mostOthers {
				m.others = append(m.others, a)
			}
		}
	}
	for _, a := range m.others {
		t.ask = append(t.ask, Question{Link: l, Station: a})
	}
}

// Sent notes that a question has left at the instant now.
func (q *Question) Sent(now time.Time) {
	if q.of != nil {
		q.of.Asked(now)
	}
}

// report reports what the answers of a machine show, if that is news.
func (t *Table) report(m *machine) {
	is := vrrp.Watched{Active: m.Address, Liveness: m.Liveness()}
	if is.Liveness == vrrp.Silent {
		is.Since, is.Unanswered = m.since, m.unanswered
		is.Answered, is.Asked = m.Answered()
		is.Others = m.othersShow()
		if m.reported.Liveness == vrrp.Silent && m.reported.Others == is.Others {
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

// othersShow returns what the other stations did since the machine fell silent. One that answered shows
// that the segment forwards if it was asked in the last interval of the silence.
func (m *machine) othersShow() vrrp.Others {
	switch {
	case !m.answers.IsZero() && !m.answers.Before(m.since.Add(m.silent-m.Interval)):
		return vrrp.OthersAnswer
	case m.known && len(m.others) == 0:
		return vrrp.NoOthers
	}
	return vrrp.OthersSilent
}

// Results returns what is to be reported, and forgets it.
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

// Shares calls yield for each machine with how many of its last questions it answered.
func (t *Table) Shares(yield func(k Key, answered, asked int)) {
	for _, m := range t.order {
		answered, asked := m.Answered()
		yield(m.Key, answered, asked)
	}
}

// Watching reports whether any machine is watched.
func (t *Table) Watching() bool { return len(t.machines) > 0 }

// next returns the next instant at which questions of a pace leave together: half of it away at
// least, so that each answer has time to come.
func (t *Table) next(now time.Time, pace time.Duration) time.Time {
	return t.epoch.Add((now.Sub(t.epoch) + pace/2).Truncate(pace) + pace)
}
