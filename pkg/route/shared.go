package route

import "slices"

// Several instances may have the same route or rule. It is added for the first of them that is
// Active, and removed with the last.

// installed maps keys of the kernel to entries of ours that exist.
type installed map[any][]*tracked

// standing returns the entries that exist for held instances; with leaving, also those that have to
// be removed and still exist.
func (l *ledger) standing(leaving bool) installed {
	p := installed{}
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

func (p installed) add(t *tracked) {
	if t.at == ours {
		p[kernelKey(t.Entry)] = append(p[kernelKey(t.Entry)], t)
	}
}

// has reports whether an entry exists for another than t.
func (p installed) has(t *tracked) bool {
	return slices.ContainsFunc(p[kernelKey(t.Entry)], func(other *tracked) bool { return other != t && other.is(t.Entry) })
}

// kernelKey returns the key by which the kernel identifies an entry.
func kernelKey(e Entry) any {
	if r, isRoute := e.(Route); isRoute {
		return r.Key()
	}
	return e
}

// keep cancels the removal of an entry.
func (l *ledger) keep(e Entry) {
	for _, h := range l.leaving {
		h.all = slices.DeleteFunc(h.all, func(t *tracked) bool { return t.is(e) })
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(h *holding) bool { return len(h.all) == 0 })
}
