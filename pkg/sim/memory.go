package sim

import (
	"slices"
	"time"

	"ripcord/pkg/adopt"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// memory is what a daemon that ended has left on its machine: the record of its adverts and of the
// Actives that it heard, and if it did not stop properly the addresses that it held. A crash of the
// machine clears it.
type memory struct {
	router *Router
	past   *adopt.Past // nil if there is none
	fenced bool        // its first group had a fence
	dead   bool        // the machine runs without its daemon

	// These are for the observer: whether the LAN was quiet, and no other router Active, when the
	// daemon died, and the number of disturbances from outside until then.
	quiet bool
	count uint64
	// inherited is the priority of an adopted group until all its checks have a result.
	inherited uint8
	// recalls is set if the daemon that runs counts the Actives as heard that the previous one heard.
	recalls bool
}

// boottime is CLOCK_BOOTTIME, of a machine that never sleeps.
func boottime(at time.Time) time.Duration { return time.Duration(at.UnixNano()) }

// keep stores the record of the daemon, which ends now.
func (m *memory) keep(handover bool) {
	r := m.router
	m.past, m.fenced = &adopt.Past{Handover: handover}, r.groups[0].Fence != nil
	for i := range r.groups {
		digest := adopt.DigestOf(&r.groups[i])
		for j := range r.groups[i].Members {
			in := r.instance(r.groups[i].Members[j].Name)
			m.past.Note(adopt.KeyOf(in.Instance, digest), in.left, in.leftWith, in.since)
			m.past.NoteActives(in.Instance, in.recorded, boottime(r.world.now))
		}
	}
}

// mayRecall reports whether the daemon that starts now counts the Actives as heard that the previous
// one heard.
func (m *memory) mayRecall() bool {
	if m.past == nil || !m.fenced || m.router.groups[0].Fence == nil {
		return false
	}
	_, counts := m.past.Age(boottime(m.router.world.now))
	return counts
}

// recall gives the loop the Actives that the previous daemon had heard.
func (m *memory) recall() {
	r, now := m.router, m.router.world.now
	if !m.recalls {
		return
	}
	for i := range r.groups {
		for j := range r.groups[i].Members {
			in := &r.groups[i].Members[j]
			if list := m.past.Actives(in); len(list) > 0 {
				r.loop.absorb(vrrp.Recalled{Cause: r.minter.Cause(now), Instance: in.Name, Actives: list})
			}
		}
	}
}

// judge returns the groups that the daemon that starts now adopts.
func (m *memory) judge() (adopted []vrrp.Adopted) {
	r, now := m.router, m.router.world.now
	if m.past == nil {
		return nil
	}
	for i := range r.groups {
		g := &r.groups[i]
		c := &adopt.Candidate{Group: g, Digest: adopt.DigestOf(g)}
		for j := range g.Members {
			if r.instance(g.Members[j].Name).fails {
				c.Lacks = "something"
			}
		}
		if v := m.past.Judge(c, boottime(now)); v.Was && v.Why == "" {
			at := func(d time.Duration) time.Time { return now.Add(d - boottime(now)) }
			adopted = append(adopted, vrrp.Adopted{
				Cause: r.minter.Cause(now), Group: g.Title(), Last: at(v.Last), Until: at(v.Until),
				Since: at(v.Since), Priority: v.Priority, Handover: m.past.Handover,
			})
		}
	}
	m.past = nil
	return adopted
}

// adopt makes the loop continue with some groups: their addresses are in place.
func (m *memory) adopt(groups []vrrp.Adopted) {
	r := m.router
	for _, in := range groups {
		i, _ := r.core.Find(in.Group)
		for j := range r.groups[i].Members {
			held := r.instance(r.groups[i].Members[j].Name)
			held.held, held.placed, held.since = true, true, boottime(in.Since)
		}
		if i == 0 && r.trackers.wait() {
			m.inherited = in.Priority
		}
		r.loop.absorb(in)
	}
}

// weighs reports whether a priority is the one that the first group has from the previous daemon.
func (m *memory) weighs(p uint8) bool { return m.inherited == p && m.router.trackers.wait() }

// alone reports whether no other router is Active.
func (m *memory) alone() bool {
	return !slices.ContainsFunc(m.router.world.Routers, func(o *Router) bool { return o != m.router && o.active() })
}

// itsOwn is how often the end and the start of a daemon count as disturbances of the LAN.
const itsOwn = 3

// logged checks that a daemon that adopts, in a LAN that was quiet until the previous one died
// and was not disturbed since, finds no other Active.
func (v *continued) logged(r *Router, e event.Event) {
	if _, ok := e.(event.GroupAdopted); !ok {
		return
	}
	v.Adopted++
	w := v.World
	if m := &r.memory; !m.quiet || w.external.count > m.count+itsOwn || w.mixed() {
		return
	}
	if !r.memory.alone() {
		v.violate("%s continues as Active although another router is Active", r.Name)
	}
}
