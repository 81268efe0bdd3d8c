package neigh

import (
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Configure takes new sets in place of those it has. Stations, claims and conflicts of
// what stays are kept; warnings end that are about what is gone. A link that no set had
// is to be reported by Link.
func (m *Monitor) Configure(now time.Time, sets []Set) {
	before := m.cfg.Sets
	m.cfg.Sets, m.sets, m.holders = sets, byInstance(sets), newHolders(sets)
	m.cache.configure(sets, m.sets, m.holders)
	t := &turn{Monitor: m, now: now}
	for i := range before {
		was := &before[i]
		if is := m.sets[was.Instance]; is == nil || !reflect.DeepEqual(was, is) {
			t.follow(was, is)
		}
	}
}

// follow forgets what was found out about an instance and does not hold for its new set,
// which is nil if it has none.
func (t *turn) follow(was, is *Set) {
	name := was.Instance
	delete(t.claims.next, name) // probed soon, as its new addresses must be
	for _, a := range was.Addresses {
		if is != nil && slices.Contains(is.Addresses, a) {
			continue
		}
		if known := t.claims.claimed[a.Addr]; known != nil && known.instance == name {
			delete(t.claims.claimed, a.Addr)
		}
		t.clearConflict(name, a.Addr)
	}
	if is == nil || is.Link != was.Link || is.MAC != was.MAC {
		if r := t.reaches[name]; r != nil {
			delete(t.reaches, name)
			t.cache.takeReach(r.device)
		}
		t.warn(name, event.WarnUnreached, was.Link, "")
	}
	if is == nil || is.Link != was.Link {
		if s := t.silence.links[was.Link]; s != nil {
			t.endSilence(was.Link, s, func(instance string) bool { return instance == name })
		}
		t.warn(name, event.WarnProxyARP, was.Link, "")
	}
}
