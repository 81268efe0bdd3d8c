package sim

import (
	"slices"
	"time"

	"ripcord/pkg/adopt"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// memory is what a daemon that died, or handed over, has left on its machine: the record of its
// adverts, and what it held. A crash of the machine loses it.
type memory struct {
	router *Router
	past   *adopt.Past // nil: there is none
	dead   bool        // the machine runs without its daemon

	// What the witness has to know: whether all was quiet, and no other router Active, when the
	// daemon died, and how often anything was done to the LAN by then.
	quiet bool
	count uint64
	// inherited is the priority of an adopted group until all its checks have a result.
	inherited uint8
}

// boottime is CLOCK_BOOTTIME, of a machine that never sleeps.
func boottime(at time.Time) time.Duration { return time.Duration(at.UnixNano()) }

// keep keeps the record of the daemon, which ends now.
func (m *memory) keep(handover bool) {
	r := m.router
	m.past = &adopt.Past{Handover: handover}
	for i := range r.groups {
		digest := adopt.DigestOf(&r.groups[i])
		for j := range r.groups[i].Members {
			in := r.instance(r.groups[i].Members[j].Name)
			m.past.Note(adopt.Key{Name: in.Name, Digest: digest}, in.left, in.leftWith, in.since)
		}
	}
}

// judge returns the groups that the daemon adopts which starts now.
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

// adopt has the loop go on with some groups: what they hold stands.
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

// weighs reports whether a priority is that which the first group has from the daemon before.
func (m *memory) weighs(p uint8) bool { return m.inherited == p && m.router.trackers.wait() }

// alone reports whether no other router is Active.
func (m *memory) alone() bool {
	return !slices.ContainsFunc(m.router.world.Routers, func(o *Router) bool { return o != m.router && o.active() })
}

// itsOwn is how often the end and the start of a daemon count as something done to the LAN.
const itsOwn = 3

// A daemon that adopts in a LAN that was quiet until the one before died, and to which nothing else has
// been done since, finds no other Active.
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
		v.violate("%s goes on as Active, and another router is Active too", r.Name)
	}
}
