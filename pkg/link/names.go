package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// A link has a name and any number of alternative ones (IFLA_ALT_IFNAME), all of
// which the kernel takes for it; no two links share one. Each is published under its
// own name, and under those alternative ones that the configuration uses.

// names yields all names of a link, its own first.
func (s *Seen) names(yield func(string) bool) {
	if !yield(s.Name) {
		return
	}
	for _, name := range s.AltNames {
		if !yield(name) {
			return
		}
	}
}

// has reports whether that is one of its names.
func (s *Seen) has(name string) bool { return s.Name == name || slices.Contains(s.AltNames, name) }

// rename takes over the names of a description, and reports whether they are others.
func (t *Table) rename(e *entry, s Seen) bool {
	if e.seen.Name == s.Name && slices.Equal(e.seen.AltNames, s.AltNames) {
		return false
	}
	t.concern(e)
	t.call(e, s)
	e.alias = slices.DeleteFunc(e.alias, func(name string) bool {
		if gone := name == s.Name || !s.has(name); !gone {
			return false
		}
		if name != s.Name {
			t.vacate(e, name)
		}
		return true
	})
	for name := range e.seen.names {
		if t.byName[name] == e && !s.has(name) {
			delete(t.byName, name)
		}
	}
	if e.seen.Name != s.Name {
		if e.was = e.seen.Name; s.has(e.was) && t.called[e.was] {
			e.alias = append(e.alias, e.was)
		} else {
			t.vacate(e, e.was)
		}
		e.fact, e.debounce.due = event.Link{}, time.Time{}
		delete(t.delayed, e)
	}
	t.concern(e)
	return true
}

// call enters a link under its names. Whoever had one of them has been removed or
// renamed, and the message of that was lost or is still to come.
func (t *Table) call(e *entry, s Seen) {
	e.top = false
	for name := range s.names {
		if other := t.byName[name]; other != nil && other != e {
			t.displace(other, name)
		}
		t.byName[name] = e
		e.top = e.top || t.known[name]
	}
}

// displace takes a name from a link: an alternative one alone, its own one with all.
func (t *Table) displace(e *entry, name string) {
	if e.seen.Name == name {
		t.remove(e)
		return
	}
	s := e.seen
	s.AltNames = slices.DeleteFunc(slices.Clone(s.AltNames), func(alt string) bool { return alt == name })
	t.rename(e, s)
	e.seen = s
}

// label is the name under which the log tells of a link: its own, unless it is
// watched under an alternative one only.
func (e *entry) label(t *Table) string {
	for name := range e.seen.names {
		if t.known[name] {
			return name
		}
	}
	return e.seen.Name
}

// labelled is a link as the log tells of it.
func (t *Table) labelled(e *entry, l event.Link) event.Link {
	if label := e.label(t); label != l.Name {
		l.Name, l.Device = label, l.Name
	}
	return l
}

// republish publishes a link under its alternative names that the configuration
// uses: under all of them where news is set, else where it has not been yet.
func (t *Table) republish(e *entry, l event.Link, news bool) {
	for _, name := range e.seen.AltNames {
		known := slices.Contains(e.alias, name)
		if !t.called[name] || known && !news {
			continue
		}
		if !known {
			e.alias = append(e.alias, name)
		}
		l.Name, l.Device = name, e.seen.Name
		t.publish(l)
	}
}

// settingsOf are the settings of a link, under whichever name it has its own.
func (t *Table) settingsOf(e *entry) Settings {
	if t.configured != nil {
		for name := range e.seen.names {
			if t.configured(name) {
				return t.settings(name)
			}
		}
	}
	return t.settings(e.seen.Name)
}
