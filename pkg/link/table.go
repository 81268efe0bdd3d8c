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
	watched []string // in the order of the configuration
	known   map[string]bool
	// called are the names that the configuration uses, those that are watched and
	// others: under these a link is published too, where they are alternative ones.
	called map[string]bool
	// settings are those of a link by name, configured says which names have their own.
	settings   func(string) Settings
	configured func(string) bool
	named      map[netip.Addr]bool // the sources that instances ask for by name
	virtual    map[netip.Addr]bool // the addresses that routers share

	seq           uint64 // of the last fact
	births        uint64
	revision      uint64
	holds         uint64
	reasonQueries uint64
	started       bool     // the initial dump is in
	order         []*entry // by index
	byIndex       map[int]*entry
	byName        map[string]*entry // under each of its names
	children      map[int][]*entry  // by the index of the parent, there or not; by their own index
	denied        map[*entry]bool   // a source that was asked says down
	delayed       map[*entry]bool   // something is held back by the debounce
	visit         uint64            // marks the entries that were met on a walk

	addresses map[int]*assigned
	arrivals  uint64               // of addresses
	dumps     uint64               // of addresses
	unsettled map[int]*assigned    // whose sources are to be chosen anew
	local     map[int][]netip.Addr // the named sources on each loopback link

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
	alias  []string   // alternative names under which it was published
	was    string     // the former name, until the renaming is told
	top    bool       // one of its names is watched
	met    uint64     // the last walk that came by,
	turn   int        // and its place among what that has collected
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
	t := &Table{
		minter: minter, watched: slices.Clone(watched), settings: settings,
		known: make(map[string]bool), called: make(map[string]bool),
		byIndex: make(map[int]*entry), byName: make(map[string]*entry), children: make(map[int][]*entry),
		denied: make(map[*entry]bool), delayed: make(map[*entry]bool),
		addresses: make(map[int]*assigned), unsettled: make(map[int]*assigned), local: make(map[int][]netip.Addr),
	}
	for _, name := range watched {
		t.known[name], t.called[name] = true, true
	}
	return t
}

// Call adds names that the configuration uses for links beside the watched ones.
func (t *Table) Call(names ...string) {
	for _, name := range names {
		t.called[name] = true
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
	case *Unanswered:
		t.source = o.Source
		t.unanswered(o)
	case Examined:
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
		t.changed(t.put(o.Address))
	case AddressGone:
		t.changed(t.take(o.Address))
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

// Links returns what is known of the links of these names, in their order and
// without those that are not there; or of all links, by index, without any name.
func (t *Table) Links(names ...string) []event.Link {
	var links []event.Link
	if len(names) == 0 {
		links = make([]event.Link, 0, len(t.order))
		for _, e := range t.order {
			links = append(links, e.shown())
		}
		return links
	}
	for _, name := range names {
		if e := t.byName[name]; e != nil {
			l := e.shown()
			if name != l.Name {
				l.Name, l.Device = name, l.Name
			}
			links = append(links, l)
		}
	}
	return links
}

// shown is the link as a list shows it.
func (e *entry) shown() event.Link {
	l := e.fact.Rest()
	l.Confirm, l.Poll = e.confirm.every, e.poll.every
	l.Stretched = e.confirm.stretched || e.poll.stretched
	return l
}

// absorb takes in a description without judging it yet. It returns how many
// losses the kernel has counted that nobody has seen; ok is false where the
// description is older than what is known.
func (t *Table) absorb(s Seen) (e *entry, losses int, ok bool) {
	e = t.byIndex[s.Index]
	if e != nil && t.source == event.Notification && e.tally.older(s) {
		return nil, 0, false
	}
	fresh := e == nil
	if fresh {
		e = t.add(s)
	} else {
		losses = e.tally.count(s, t.at)
	}
	named := fresh || t.rename(e, s)
	if fresh || e.seen.Parent != s.Parent {
		t.adopt(e, s.Parent)
	}
	e.choice.heard(e.seen, s)
	e.seen = s
	e.announce(s.fine(), t.source, t.at)
	if named {
		if a := t.addresses[s.Index]; a != nil || t.chooses(e) {
			t.choose(t.on(s.Index))
		}
	}
	return e, losses, true
}

func (t *Table) add(s Seen) *entry {
	t.births++
	e := &entry{birth: t.births, seen: s, choice: choice{monitor: Netlink}, tally: tally{up: s.UpCount, down: s.DownCount}}
	t.order = insert(t.order, e)
	t.byIndex[s.Index] = e
	t.children[s.Parent] = insert(t.children[s.Parent], e)
	t.call(e, s)
	t.concern(e)
	return e
}

// insert adds an entry to a list that is in the order of the indexes.
func insert(list []*entry, e *entry) []*entry {
	i, _ := slices.BinarySearchFunc(list, e, byIndex)
	return slices.Insert(list, i, e)
}

// without takes an entry out of such a list.
func without(list []*entry, e *entry) []*entry {
	if i, found := slices.BinarySearchFunc(list, e, byIndex); found && list[i] == e {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func byIndex(a, b *entry) int { return cmp.Compare(a.seen.Index, b.seen.Index) }

// adopt gives a link another parent; 0 is none.
func (t *Table) adopt(e *entry, parent int) {
	if e.seen.Parent == parent {
		return
	}
	t.abandon(e)
	t.children[parent] = insert(t.children[parent], e)
	e.orphan = false
	t.concern(e)
}

func (t *Table) abandon(e *entry) {
	old := without(t.children[e.seen.Parent], e)
	if t.children[e.seen.Parent] = old; len(old) == 0 {
		delete(t.children, e.seen.Parent)
	}
}

// concern changes the revision where a change of the link may concern a watched
// one. So it does not while links come and go that nobody uses.
func (t *Table) concern(e *entry) {
	if e.top || len(t.children[e.seen.Index]) > 0 {
		t.revision++
	}
}

func (t *Table) remove(e *entry) {
	t.order = without(t.order, e)
	t.forget(e)
}

// forget removes a link that is not in the order any more.
func (t *Table) forget(e *entry) {
	t.concern(e)
	t.abandon(e)
	delete(t.byIndex, e.seen.Index)
	delete(t.denied, e)
	delete(t.delayed, e)
	for name := range e.seen.names {
		if t.byName[name] == e {
			delete(t.byName, name)
		}
	}
	for _, name := range e.alias {
		t.vacate(e, name)
	}
	gone := t.vacate(e, e.seen.Name)
	gone.Name, gone.Device = e.label(t), ""
	t.log(e, event.LinkRemoved, gone, "")
	for _, child := range slices.Clone(t.children[e.seen.Index]) {
		child.orphan = true
		t.settle(child, 0)
	}
	if len(t.local[e.seen.Index]) > 0 {
		delete(t.local, e.seen.Index)
		t.rechoose()
	}
}

// vacate publishes that no interface bears the entry's name any more.
func (t *Table) vacate(e *entry, name string) event.Link {
	gone := event.Link{Name: name, LastChange: t.at, LastSource: t.source}
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

// log logs what became of a link that is watched, or was under its former name.
func (t *Table) log(e *entry, kind event.LinkKind, l event.Link, was string) {
	if !t.started || !e.top && !t.known[was] {
		return
	}
	changed := event.LinkChanged{Stamp: t.stamp(), Kind: kind, Link: l, Source: t.source, Was: was}
	switch kind {
	case event.LinkUp, event.LinkDown, event.LinkFlapped:
		changed.Words = t.witnesses(e)
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
