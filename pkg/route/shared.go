package route

import "slices"

// Several instances may have the same route or rule. It is added for the first of them that is
// Active, and removed with the last.

// places are entries of ours that stand, by what identifies them to the kernel.
type places map[any][]*tracked

// standing returns what stands for the instances that are held; with leaving, also what is to
// be removed and still stands.
func (l *ledger) standing(leaving bool) places {
	p := places{}
	for t := range l.each {
		p.add(t)
	}
	if leaving {
		for _, h := range l.leaving {
			for _, t := range h.all {
				p.add(t)
			}
		}
	}
	return p
}

func (p places) add(t *tracked) {
	if t.at == ours {
		p[place(t.Entry)] = append(p[place(t.Entry)], t)
	}
}

// has reports whether an entry stands for another than t.
func (p places) has(t *tracked) bool {
	return slices.ContainsFunc(p[place(t.Entry)], func(other *tracked) bool { return other != t && other.is(t.Entry) })
}

// place is what identifies an entry to the kernel.
func place(e Entry) any {
	if r, isRoute := e.(Route); isRoute {
		return r.Key()
	}
	return e
}

// keep has an entry stay that was to be removed.
func (l *ledger) keep(e Entry) {
	for _, h := range l.leaving {
		h.all = slices.DeleteFunc(h.all, func(t *tracked) bool { return t.is(e) })
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
}
