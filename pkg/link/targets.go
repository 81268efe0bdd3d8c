package link

import (
	"slices"
	"time"
)

// takeBack is how often a link is asked whose Confirm is 0 while somebody who
// was asked says down: else nobody could take that word back.
const takeBack = 100 * time.Millisecond

// Target is a link to ask for its carrier.
type Target struct {
	Index int
	Birth uint64 // tells the link from a successor with the same index
	Name  string
	Every time.Duration
}

// Revision changes whenever Targets would.
func (t *Table) Revision() uint64 { return t.revision }

// Targets appends the links that must be asked: the engaged ones with all they
// stand on, since a device on top learns of its parent's loss no sooner than
// the kernel announces it; and those of which a source that was asked says
// down. every is the period of a link by name.
func (t *Table) Targets(dst []Target, engaged []string, every func(string) time.Duration) []Target {
	for _, name := range engaged {
		if period := every(name); period > 0 {
			dst = t.Underneath(dst, name, period)
		}
	}
	for _, e := range t.order {
		if !e.denied() {
			continue
		}
		period := every(e.seen.Name)
		if period <= 0 {
			period = takeBack
		}
		dst = include(dst, e, period)
	}
	return dst
}

// Underneath appends the link of that name and all it stands on.
func (t *Table) Underneath(dst []Target, name string, period time.Duration) []Target {
	e := t.byName[name]
	for i := 0; e != nil && i < maxDepth; i++ {
		dst = include(dst, e, period)
		e = t.byIndex[e.seen.Parent]
	}
	return dst
}

// include adds a target, each link once, with the shortest period named.
func include(dst []Target, e *entry, period time.Duration) []Target {
	i := slices.IndexFunc(dst, func(o Target) bool { return o.Index == e.seen.Index })
	if i < 0 {
		return append(dst, Target{Index: e.seen.Index, Birth: e.birth, Name: e.seen.Name, Every: period})
	}
	dst[i].Every = min(dst[i].Every, period)
	return dst
}
