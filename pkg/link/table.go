package link

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Table is what is known of all links of the namespace, by index and by name.
// It is told what was observed and answers with what to publish. Facts are
// published for every link, log events for the watched ones only.
type Table struct {
	minter  *event.Minter
	watched []string
	// settings are those of a link by name.
	settings func(string) Settings
	sources  []netip.Addr // that instances ask for by name

	seq       uint64 // of the last fact
	births    uint64
	revision  uint64
	holds     uint64
	puzzles   uint64
	started   bool     // the initial dump is in
	order     []*entry // by index
	byIndex   map[int]*entry
	byName    map[string]*entry
	addresses map[int]*assigned

	// The observation under way.
	at     time.Time
	source event.Source
	cause  event.Cause
	out    Outcome
}

// entry is one link, from its birth to its removal.
type entry struct {
	birth  uint64
	seen   Seen
	kernel word   // what seen says
	words  []word // of those who were asked
	tally  tally
	lost   time.Time  // when a loss was last told
	fact   event.Link // as last published; without Seq: not yet under this name
	was    string     // the former name, until the renaming is told
	// orphan says that the parent went away and this link has not been given
	// another since.
	orphan   bool
	choice   choice
	debounce debounce
	loss     loss
	// confirm and poll are the periods at which it is asked.
	confirm, poll period
}

// NewTable returns an empty table that logs what becomes of the watched names,
// and watches each link as settings says.
func NewTable(minter *event.Minter, watched []string, settings func(name string) Settings) *Table {
	return &Table{
		minter: minter, watched: slices.Clone(watched), settings: settings,
		byIndex: make(map[int]*entry), byName: make(map[string]*entry), addresses: make(map[int]*assigned),
	}
}

// Observe absorbs an observation that was read at the instant at. What it
// leads to bears one cause, minted only if there is anything to tell.
func (t *Table) Observe(o Observation, at time.Time) Outcome {
	t.at, t.source, t.cause, t.out = at, event.Notification, event.Cause{}, Outcome{}
	switch o := o.(type) {
	case *Answer:
		t.source = o.Source
		t.answer(o)
	case Means:
		t.source = event.Confirm
		t.examined(o)
	case LinkSeen:
		if e, losses, ok := t.absorb(o.Link); ok {
			t.settle(e, losses)
		}
	case LinkGone:
		if e := t.byIndex[o.Index]; e != nil {
			t.remove(e)
		}
	case AddressSeen:
		t.assign(o.Address)
	case AddressGone:
		t.unassign(o.Address)
	case Explained:
		t.source = event.Ethtool
		t.explained(o)
	case Paced:
		t.paced(o)
	case Elapsed:
		t.elapse()
	case Dump:
		t.source = event.Resync
		t.compare(o)
	}
	out := t.out
	t.out = Outcome{}
	return out
}

// Links returns all that is known, by index.
func (t *Table) Links() []event.Link {
	links := make([]event.Link, 0, len(t.order))
	for _, e := range t.order {
		l := e.fact.Rest()
		l.Confirm, l.Poll = e.confirm.every, e.poll.every
		l.Stretched = e.confirm.stretched || e.poll.stretched
		links = append(links, l)
	}
	return links
}

// absorb takes in a description without judging it yet. It returns how many
// losses the kernel has counted that nobody has seen; ok is false where the
// description is older than what is known.
func (t *Table) absorb(s Seen) (e *entry, losses int, ok bool) {
	e = t.byIndex[s.Index]
	if e != nil && t.source == event.Notification && e.tally.older(s) {
		return nil, 0, false
	}
	if e == nil {
		e = t.add(s)
	} else {
		losses = e.tally.count(s, t.at)
	}
	if e.seen.Name != s.Name {
		t.rename(e, s.Name)
	}
	if e.seen.Parent != s.Parent {
		t.revision++
		e.orphan = false
	}
	e.choice.heard(e.seen, s)
	e.seen = s
	e.announce(s.fine(), t.source, t.at)
	return e, losses, true
}

func (t *Table) add(s Seen) *entry {
	t.births++
	t.revision++
	e := &entry{birth: t.births, seen: s, choice: choice{monitor: Netlink}, tally: tally{up: s.UpCount, down: s.DownCount}}
	i, _ := slices.BinarySearchFunc(t.order, s.Index, func(e *entry, index int) int { return cmp.Compare(e.seen.Index, index) })
	t.order = slices.Insert(t.order, i, e)
	t.byIndex[s.Index] = e
	t.displace(s.Name)
	t.byName[s.Name] = e
	return e
}

func (t *Table) rename(e *entry, name string) {
	t.revision++
	t.displace(name)
	if e.was = e.seen.Name; t.byName[e.was] == e {
		delete(t.byName, e.was)
		t.vacate(e)
	}
	t.byName[name] = e
	e.fact, e.debounce.due = event.Link{}, time.Time{}
}

// displace makes room for a link that bears the name now: whoever had it has
// been removed or renamed, and the message of that was lost or is still to come.
func (t *Table) displace(name string) {
	if e := t.byName[name]; e != nil {
		t.remove(e)
	}
}

func (t *Table) remove(e *entry) {
	t.revision++
	delete(t.byIndex, e.seen.Index)
	delete(t.byName, e.seen.Name)
	t.order = slices.DeleteFunc(t.order, func(o *entry) bool { return o == e })
	gone := t.vacate(e)
	t.log(event.LinkRemoved, gone, "")
	for _, child := range t.order {
		if child.seen.Parent == e.seen.Index {
			child.orphan = true
			t.settle(child, 0)
		}
	}
}

// vacate publishes that no interface bears the entry's name any more.
func (t *Table) vacate(e *entry) event.Link {
	gone := event.Link{Name: e.seen.Name, LastChange: t.at, LastSource: t.source}
	if e.fact.Usable {
		gone.Downs = 1
	}
	return t.publish(gone)
}

func (t *Table) publish(l event.Link) event.Link {
	t.seq++
	l.Seq, l.Cause = t.seq, t.stamp().Cause
	t.out.Facts = append(t.out.Facts, l)
	return l
}

func (t *Table) log(kind event.LinkKind, l event.Link, was string) {
	if !t.started || !slices.Contains(t.watched, l.Name) && (was == "" || !slices.Contains(t.watched, was)) {
		return
	}
	changed := event.LinkChanged{Stamp: t.stamp(), Kind: kind, Link: l, Source: t.source, Was: was}
	switch kind {
	case event.LinkUp, event.LinkDown, event.LinkFlapped:
		changed.Words = t.witnesses(t.byIndex[l.Index])
	}
	t.out.Events = append(t.out.Events, changed)
}

// stamp gives what the observation leads to its cause.
func (t *Table) stamp() event.Stamp {
	if t.cause.Trace == 0 {
		t.cause = t.minter.Cause(t.at)
	}
	return event.Stamp{Cause: t.cause, At: t.at}
}
