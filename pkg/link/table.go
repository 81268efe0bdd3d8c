package link

import (
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// TableConfig is the configuration of a Table.
type TableConfig struct {
	Minter  *event.Minter
	Watched []string // the links whose changes are logged, in the order of the configuration
	// OtherNames are the other names that the configuration uses for links. A link is published under
	// each of its alternative names among these and the watched ones.
	OtherNames []string
	Default    Settings
	Links      map[string]Settings // by name; all others have Default
	Sources    Sources
	Hints      Hints
}

// Table holds everything that is known about the links of the namespace, by index and by name.
// Observe processes an observation and returns what to publish: facts about every link, log events
// only about the watched ones.
type Table struct {
	registry
	issuer     issuer
	watched    []string
	known      map[string]bool // the watched names
	configured map[string]bool // these and all other names in the configuration
	defaults   Settings
	settings   map[string]Settings
	hints      Hints

	births  uint64
	started bool            // the initial dump has been recorded
	denied  map[*entry]bool // a source that was asked reports down
	delayed map[*entry]bool // the debounce holds a loss or a return back

	addresses addresses
}

// NewTable returns an empty table.
func NewTable(c TableConfig) *Table {
	t := &Table{
		issuer: issuer{minter: c.Minter}, registry: newRegistry(), hints: c.Hints,
		denied: make(map[*entry]bool), delayed: make(map[*entry]bool), addresses: newAddresses(c.Sources),
	}
	t.configure(Reconfigured{Watched: c.Watched, OtherNames: c.OtherNames, Default: c.Default, Links: c.Links})
	return t
}

// Watches reports whether the configuration watches a link of that name.
func (t *Table) Watches(name string) bool { return t.known[name] }

// Observe processes an observation that was read at the instant at.
func (t *Table) Observe(o Observation, at time.Time) Outcome {
	var s step // not a literal, which would be copied
	s.Table, s.record.issuer, s.at, s.source = t, &t.issuer, at, event.Notification
	s.observe(o)
	return s.Outcome
}

// Links returns the links of these names that exist, in the order of the names; without names, all
// links by index.
func (t *Table) Links(names ...string) []event.Link {
	var links []event.Link
	if len(names) == 0 {
		links = make([]event.Link, 0, len(t.order))
		for _, e := range t.order {
			links = append(links, t.listed(e))
		}
		return links
	}
	for _, name := range names {
		if e := t.byName[name]; e != nil {
			l := t.listed(e)
			if name != l.Name {
				l.Name, l.Device = name, l.Name
			}
			links = append(links, l)
		}
	}
	return links
}

// listed returns the link as Links shows it.
func (t *Table) listed(e *entry) event.Link {
	l := e.fact.Rest()
	l.Hinting = t.hinting(e)
	l.Confirm, l.Poll = e.confirm.every, e.poll.every
	l.Stretched = e.confirm.stretched || e.poll.stretched
	return l
}

// Deadline returns when the next delayed change takes effect, and with it an Elapsed is due; false
// if there is none.
func (t *Table) Deadline() (time.Time, bool) {
	var next deadline.Earliest
	for e := range t.delayed {
		next.Add(e.debounce.due)
	}
	for _, l := range t.addresses.unsettled {
		next.Add(l.due)
	}
	return next.Get()
}
