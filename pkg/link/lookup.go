package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// born returns the link with that index and birth number, or nil if it has been replaced.
func (t *Table) born(index int, birth uint64) *entry {
	if e := t.byIndex[index]; e != nil && e.birth == birth {
		return e
	}
	return nil
}

// settingsOf returns the settings of a link, which may be configured under any of its names.
func (t *Table) settingsOf(e *entry) Settings {
	for name := range e.seen.names {
		if s, ok := t.settings[name]; ok {
			return s
		}
	}
	return t.defaults
}

// label returns the name under which the log reports a link: its own, unless only an alternative
// name is watched.
func (t *Table) label(e *entry) string {
	for name := range e.seen.names {
		if t.known[name] {
			return name
		}
	}
	return e.seen.Name
}

// expectsSources reports whether an instance may send adverts from an address of the link.
func (t *Table) expectsSources(e *entry) bool {
	return e != nil && (e.watched || e.seen.Local && t.addresses.anyNamed())
}

// watchedLinks returns the watched links, with lower also those beneath them, by index.
func (t *Table) watchedLinks(lower bool) []*entry {
	var all []*entry
	t.newWalk()
	for _, name := range t.watched {
		for e := range t.lower(t.byName[name]) {
			if !t.visit(e) {
				break
			}
			if lower || e.watched {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, byIndex)
	return all
}

// delayedUntil returns the links of which a loss or a return was delayed until at, by index.
func (t *Table) delayedUntil(at time.Time) []*entry {
	var due []*entry
	for e := range t.delayed {
		if !at.Before(e.debounce.due) {
			due = insert(due, e)
		}
	}
	return due
}

// usesHints reports whether the table acts on hints about a link.
func (t *Table) usesHints(e *entry) bool { return t.hints.Attachment != "" && t.settingsOf(e).Hint }

// hinting returns how hints about a link are used.
func (t *Table) hinting(e *entry) event.Hinting {
	switch {
	case !t.settingsOf(e).Hint:
		return event.HintsOff
	case t.hints.Attachment == "":
		return event.HintsNone
	case e.hints.trust == refuted:
		return event.HintsLate
	case e.hints.trust == proven:
		return event.HintsUsed
	}
	return event.HintsUnproven
}

// configure takes over the configuration of links.
func (t *Table) configure(c Reconfigured) {
	t.watched, t.defaults, t.settings = slices.Clone(c.Watched), c.Default, c.Links
	t.known, t.configured = make(map[string]bool), make(map[string]bool)
	for _, name := range c.Watched {
		t.known[name], t.configured[name] = true, true
	}
	for _, name := range c.OtherNames {
		t.configured[name] = true
	}
}
