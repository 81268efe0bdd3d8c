package link

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// entry is one link, from its appearance to its removal.
type entry struct {
	birth  uint64 // greater for a link that came later
	seen   Seen   // the kernel's last description
	fact   event.Link
	orphan bool // its lower link disappeared, and it has had no other since

	// watched reports whether one of its names is watched, published lists the alternative names
	// under which it was published, and formerName is its name before a renaming that has not been
	// logged yet.
	watched    bool
	published  []string
	formerName string

	votes    votes
	losses   losses
	debounce debounce
	choice   choice
	hints    hints
	outage   outage
	// confirm and poll are the periods at which it is asked.
	confirm, poll period

	walk uint64 // the last walk that visited the entry,
	slot int    // and its index in the list of that walk
}

// usable reports whether the link itself is usable: the kernel describes it as up, and no source
// that was asked reports down.
func (e *entry) usable() bool { return e.seen.up() && !e.votes.down() }

// period is how often a link is asked; 0 if it is not asked.
type period struct {
	every     time.Duration
	stretched bool
}

// registry holds the links of the namespace. A link has a name and any number of alternative names
// (IFLA_ALT_IFNAME), all of which the kernel accepts for it; no two links share a name.
type registry struct {
	order   []*entry // by index
	byIndex map[int]*entry
	byName  map[string]*entry // under each of its names
	// children maps the index of a link, whether it exists or not, to the links directly on top of
	// it, sorted by their own index.
	children map[int][]*entry
	walks    uint64 // counts the walks, so that an entry knows which walk visited it
}

func newRegistry() registry {
	return registry{byIndex: make(map[int]*entry), byName: make(map[string]*entry), children: make(map[int][]*entry)}
}

// insert adds a link under its index, and below its parent.
func (r *registry) insert(e *entry) {
	r.order = insert(r.order, e)
	r.byIndex[e.seen.Index] = e
	r.children[e.seen.Parent] = insert(r.children[e.seen.Parent], e)
}

// drop removes a link that is no longer in the order.
func (r *registry) drop(e *entry) {
	r.detach(e)
	delete(r.byIndex, e.seen.Index)
	r.unname(e, func(string) bool { return false })
}

// unname removes the names of a link except those to keep.
func (r *registry) unname(e *entry, keep func(name string) bool) {
	for name := range e.seen.names {
		if r.byName[name] == e && !keep(name) {
			delete(r.byName, name)
		}
	}
}

// attach changes the parent of a link; 0 is none.
func (r *registry) attach(e *entry, parent int) {
	r.detach(e)
	r.children[parent] = insert(r.children[parent], e)
	e.orphan = false
}

// detach removes a link from its parent.
func (r *registry) detach(e *entry) {
	rest := without(r.children[e.seen.Parent], e)
	if r.children[e.seen.Parent] = rest; len(rest) == 0 {
		delete(r.children, e.seen.Parent)
	}
}

// carries reports whether any link is stacked on this one.
func (r *registry) carries(e *entry) bool { return len(r.children[e.seen.Index]) > 0 }

// maxDepth limits how many links may be stacked.
const maxDepth = 8

// lower yields a link and all links beneath it, from top to bottom.
func (r *registry) lower(e *entry) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for range maxDepth {
			if e == nil || !yield(e) {
				return
			}
			e = r.byIndex[e.seen.Parent]
		}
	}
}

// upper yields all links stacked on a link, each once.
func (r *registry) upper(e *entry) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		if r.carries(e) {
			r.newWalk()
			r.visit(e)
			r.climb(e, maxDepth, yield)
		}
	}
}

// climb yields the links stacked on a link that this walk has not visited; false ends it.
func (r *registry) climb(e *entry, depth int, yield func(*entry) bool) bool {
	for _, child := range r.children[e.seen.Index] {
		if depth > 0 && r.visit(child) && !(yield(child) && r.climb(child, depth-1, yield)) {
			return false
		}
	}
	return true
}

// newWalk begins a walk over the links; visit reports whether the walk comes to a link for the
// first time. There is one walk at a time.
func (r *registry) newWalk() { r.walks++ }

func (r *registry) visit(e *entry) (first bool) {
	first = e.walk != r.walks
	e.walk = r.walks
	return first
}

// usable reports whether a link is usable (docs/architecture.md#link-state): whether it and all
// links beneath it are, and it is not a port of another device. A VLAN on such a port still
// receives its frames.
func (r *registry) usable(e *entry) bool {
	if e.seen.captive() {
		return false
	}
	for e := range r.lower(e) {
		if !e.usable() || e.orphan && r.byIndex[e.seen.Parent] == nil {
			return false
		}
	}
	return true
}

// relevant reports whether e is watched or a watched link is stacked on it.
func (r *registry) relevant(e *entry) bool {
	if e.watched {
		return true
	}
	for e := range r.upper(e) {
		if e.watched {
			return true
		}
	}
	return false
}

// reason returns the reason that a driver reported for the link, or for one beneath it.
func (r *registry) reason(e *entry) string {
	for e := range r.lower(e) {
		if e.outage.reason != "" {
			return e.outage.reason
		}
	}
	return ""
}

// master names the device of which a link is a port, with its kind; empty if there is none or the
// link receives all the same.
func (r *registry) master(s *Seen) string {
	if !s.captive() {
		return ""
	}
	name := fmt.Sprintf("ifindex %d", s.Master)
	if m := r.byIndex[s.Master]; m != nil {
		name = m.seen.Name
	}
	if s.MasterKind == "" {
		return name
	}
	return name + " (" + s.MasterKind + ")"
}

// insert adds an entry to a list that is ordered by index.
func insert(list []*entry, e *entry) []*entry {
	i, _ := slices.BinarySearchFunc(list, e, byIndex)
	return slices.Insert(list, i, e)
}

// without removes an entry from a list that is ordered by index.
func without(list []*entry, e *entry) []*entry {
	if i, found := slices.BinarySearchFunc(list, e, byIndex); found && list[i] == e {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func byIndex(a, b *entry) int { return cmp.Compare(a.seen.Index, b.seen.Index) }
