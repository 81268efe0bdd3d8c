package link

import (
	"slices"

	"ripcord/pkg/event"
)

// describe records a description of a link without deciding about the link yet. It returns the
// number of losses that the kernel has counted and no source has seen; ok is false if the
// description is older than the current one.
func (s *step) describe(seen Seen) (e *entry, unseen int, ok bool) {
	e = s.byIndex[seen.Index]
	if e != nil && s.source == event.Notification && e.losses.older(seen) {
		return nil, 0, false
	}
	renamed := true
	if e == nil {
		e = s.add(seen)
	} else {
		unseen = e.losses.describe(seen, s.at)
		if renamed = !e.seen.sameNames(&seen); renamed {
			s.rename(e, seen)
		}
		if e.seen.Parent != seen.Parent {
			s.attach(e, seen.Parent)
			s.concern(e)
		}
	}
	e.choice.describe(e.seen, seen)
	e.hints.describe(e.seen, seen)
	e.seen = seen
	e.votes.describe(seen.up(), s.source, s.at)
	if renamed && (s.addresses.byLink[seen.Index] != nil || s.expectsSources(e)) {
		s.chooseSources(s.addresses.on(seen.Index))
	}
	return e, unseen, true
}

// add creates the entry of a link.
func (s *step) add(seen Seen) *entry {
	s.births++
	e := &entry{birth: s.births, seen: seen, choice: choice{monitor: Netlink}, losses: newLosses(seen)}
	s.insert(e)
	s.enter(e, &seen)
	s.concern(e)
	return e
}

// rename records the changed names of a description. It publishes the names that no link has any
// more; the new names are published with the link.
func (s *step) rename(e *entry, seen Seen) {
	s.concern(e)
	s.enter(e, &seen)
	e.published = slices.DeleteFunc(e.published, func(name string) bool {
		gone := !seen.Has(name)
		if gone {
			s.publishGone(e, name)
		}
		return gone || name == seen.Name
	})
	s.unname(e, seen.Has)
	if e.seen.Name != seen.Name {
		if e.formerName = e.seen.Name; seen.Has(e.formerName) && s.configured[e.formerName] {
			e.published = append(e.published, e.formerName)
		} else {
			s.publishGone(e, e.formerName)
		}
		e.fact = event.Link{}
		e.debounce.cancel()
		delete(s.delayed, e)
	}
	s.concern(e)
}

// enter registers a link under its names. If another link has one of them, that link must have been
// removed or renamed: the message about this was lost or is still to come.
func (s *step) enter(e *entry, seen *Seen) {
	e.watched = false
	for name := range seen.names {
		if other := s.byName[name]; other != nil && other != e {
			s.displace(other, name)
		}
		s.byName[name] = e
		e.watched = e.watched || s.known[name]
	}
}

// displace removes a name from a link: an alternative name only, but with its own name the whole
// link.
func (s *step) displace(e *entry, name string) {
	if e.seen.Name == name {
		s.remove(e)
		return
	}
	rest := e.seen
	rest.AltNames = slices.DeleteFunc(slices.Clone(rest.AltNames), func(alt string) bool { return alt == name })
	s.rename(e, rest)
	e.seen = rest
}

// concern requests a new plan if a change of the link may affect a watched one. So links that no
// instance uses cause no planning while they come and go.
func (s *step) concern(e *entry) {
	if e.watched || s.carries(e) {
		s.Replan = true
	}
}

// remove deletes a link.
func (s *step) remove(e *entry) {
	s.order = without(s.order, e)
	s.retire(e)
}

// retire deletes a link that the caller has already removed from the order, and decides about all
// links that depended on it.
func (s *step) retire(e *entry) {
	s.concern(e)
	s.drop(e)
	delete(s.denied, e)
	delete(s.delayed, e)
	for _, name := range e.published {
		s.publishGone(e, name)
	}
	gone := s.publishGone(e, e.seen.Name)
	gone.Name, gone.Device = s.label(e), ""
	s.logChange(e, event.LinkRemoved, gone, s.source, "")
	for _, child := range slices.Clone(s.children[e.seen.Index]) {
		child.orphan = true
		s.settle(child, 0)
	}
	if s.addresses.forgetLocal(e.seen.Index) {
		s.rechooseSources()
	}
}

// putAddress publishes an address that is present, and records it.
func (s *step) putAddress(a Assigned) *linkAddresses {
	s.publishAddress(a, true)
	return s.addresses.put(a)
}

// takeAddress publishes that an address is gone, and records that.
func (s *step) takeAddress(a Assigned) *linkAddresses {
	s.publishAddress(a, false)
	return s.addresses.take(a)
}
