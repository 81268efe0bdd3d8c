package router

import (
	"math"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/vrrp/machine"
)

// Core holds all groups of a router, and passes each input to the groups concerned. It is a value
// for one goroutine, and never reads the clock.
type Core struct {
	groups     []*machine.Machine
	byInstance map[string]int
	byLink     map[string][]int // links of the members, and tracked links
	byCheck    map[string][]int
	deadlines  *deadlines
	tickets    machine.Tickets
	minter     *event.Minter
	touched    []int  // groups that were stepped since the last call of Touched
	isTouched  []bool // by group: whether it is in touched
	awaited    awaited
	standing   standing
	reloaded   time.Time     // when the present configuration took effect
	stampEvery time.Duration // the longest time between two stamps of the lease
}

// NewCore returns a router whose groups are in Initialize. No instance may be in two groups.
func NewCore(groups []vrrp.Group, minter *event.Minter, now time.Time) *Core {
	c := &Core{minter: minter, standing: make(standing), reloaded: now, stampEvery: lease.StampEvery(math.MaxInt64)}
	machines := make([]*machine.Machine, len(groups))
	for i, g := range groups {
		machines[i] = machine.New(g, &c.tickets, now)
	}
	c.setGroups(machines, groups)
	return c
}

// setGroups replaces the groups, and indexes them by the links, instances and trackers of their
// configurations. The machines may receive these configurations later.
func (c *Core) setGroups(machines []*machine.Machine, groups []vrrp.Group) {
	c.groups, c.deadlines = machines, newDeadlines(len(machines))
	c.byInstance, c.byLink, c.byCheck = make(map[string]int), make(map[string][]int), make(map[string][]int)
	c.touched, c.isTouched = nil, make([]bool, len(groups))
	for i := range groups {
		g := &groups[i]
		c.track(i, g.Track)
		for j := range g.Members {
			in := &g.Members[j]
			c.byInstance[in.Name] = i
			// It never becomes longer: after a reload to a longer interval, adverts keep the old one for a while.
			c.stampEvery = min(c.stampEvery, lease.StampEvery(lease.Limit(in.Miss, in.Interval)))
			index(c.byLink, in.Interface, i)
			c.track(i, in.Track)
		}
		c.await(i)
	}
}

// track indexes a group by the links and checks that it tracks.
func (c *Core) track(group int, list []vrrp.Tracker) {
	for _, t := range list {
		if t.Kind == vrrp.TrackInterface {
			index(c.byLink, t.Name, group)
		} else {
			index(c.byCheck, t.Name, group)
		}
	}
}

// index adds a group to the groups of a name, once.
func index(groups map[string][]int, name string, group int) {
	if at := groups[name]; len(at) == 0 || at[len(at)-1] != group {
		groups[name] = append(at, group)
	}
}

// Find returns the index of a group by its name, or by the name of an instance outside any group.
func (c *Core) Find(name string) (int, bool) {
	for i, g := range c.groups {
		if g.Config().Title() == name {
			return i, true
		}
	}
	return 0, false
}

// Absorb passes an input to the groups concerned.
func (c *Core) Absorb(now time.Time, in vrrp.Input, out *Orders) {
	if c.outdated(in) {
		return
	}
	c.standing.note(in)
	// The input is passed on as in, since converting it again would copy it. There is a case for each type,
	// since a method that returns the instance would move each advert to the heap.
	switch of := in.(type) {
	case vrrp.LinkSeen:
		for _, i := range c.byLink[of.Link.Name] {
			c.step(i, now, in, out)
		}
	case vrrp.Forwards:
		for _, i := range c.byLink[of.Interface] {
			c.step(i, now, in, out)
		}
	case vrrp.Heard:
		if i, ok := c.byInstance[of.Instance]; ok {
			c.takeOver(i, now, of.Cause.At, out)
			c.step(i, now, in, out)
		}
	case vrrp.Tracked:
		for _, i := range c.byCheck[of.Check] {
			c.step(i, now, in, out)
		}
	case vrrp.Adopted:
		if i, ok := c.Find(of.Group); ok {
			c.step(i, now, in, out)
		}
	case vrrp.Recalled:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Released:
		if i, ok := c.Find(of.Group); ok {
			c.step(i, now, in, out)
		}
	case vrrp.Stalled:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.LeaseLost:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Sends:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Probed:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Placed:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Watched:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Rejoined:
		c.stepInstance(of.Instance, now, in, out)
	case vrrp.Condition:
		c.stepInstance(of.Instance, now, in, out)
	default: // Start, Stop, Answered, Fenced: all groups share one series of tickets
		for i := range c.groups {
			c.step(i, now, in, out)
		}
	}
}

// outdated reports whether an input is a condition of an instance that the last reload removed.
// It was on its way meanwhile, and its end will never be reported: an instance with the same name
// that a later reload adds would stay in Fault. A condition deaf that is newer than the last
// reload belongs to an instance of the next one: the receiver, unlike the other parts, learns of
// new instances before the router does.
func (c *Core) outdated(in vrrp.Input) bool {
	of, is := in.(vrrp.Condition)
	if !is {
		return false
	}
	_, known := c.byInstance[of.Instance]
	return !known && (of.Reason != event.Deaf || !of.Cause.At.After(c.reloaded))
}

func (c *Core) stepInstance(name string, now time.Time, in vrrp.Input, out *Orders) {
	if i, ok := c.byInstance[name]; ok {
		c.step(i, now, in, out)
	}
}

// takeOver ends the timer of a group whose first advert left before the instant at: of two
// routers that took over together, each has then heard the other as an Active, not as a Backup.
func (c *Core) takeOver(i int, now, at time.Time, out *Orders) {
	if armed, ok := c.groups[i].Armed(); ok && !at.Before(armed) {
		c.step(i, now, vrrp.Tick{Cause: c.minter.Cause(armed)}, out)
	}
}

func (c *Core) step(i int, now time.Time, in vrrp.Input, out *Orders) {
	g := c.groups[i]
	effects := g.Step(now, in)
	out.translate(g.Config(), effects)
	c.await(i)
	c.touch(i)
}

func (c *Core) touch(i int) {
	if !c.isTouched[i] {
		c.isTouched[i] = true
		c.touched = append(c.touched, i)
	}
}

// await records when a group next needs a Tick.
func (c *Core) await(i int) {
	if at, ok := c.groups[i].Deadline(); ok {
		c.deadlines.set(i, at)
	} else {
		c.deadlines.remove(i)
	}
}

// Wake returns when the loop has to turn at the latest if it turned now: for the next deadline,
// to stamp its lease, or to see which orders the address worker has carried out.
func (c *Core) Wake(now time.Time) time.Time {
	every := c.stampEvery
	if c.awaited.any() {
		every = min(every, lookEvery)
	}
	next := deadline.Coalesce(now, every)
	if at, ok := c.Deadline(); ok && at.Before(next) {
		next = at
	}
	return next
}

// StampEvery returns the longest time between two stamps of the lease.
func (c *Core) StampEvery() time.Duration { return c.stampEvery }

// Slept reports to the groups that the whole router stood still: the loop woke late by that much, and
// had last turned before silent. It may have stood still for a part of the time in which it meant to
// sleep. A group that does not serve counts all of that but lease.Shortest, since it may have lost
// adverts; for one that serves, the engine knows which adverts it missed.
func (c *Core) Slept(now time.Time, late, silent time.Duration, out *Orders) {
	for i, g := range c.groups {
		gap := late
		if !g.Serving() {
			gap = max(late, silent-lease.Shortest)
		}
		c.step(i, now, vrrp.Slept{Cause: c.minter.Cause(now), Gap: gap}, out)
	}
}

// Tick ends every timer whose instant is not later than now.
func (c *Core) Tick(now time.Time, out *Orders) {
	for {
		i, at, ok := c.deadlines.first()
		if !ok || at.After(now) {
			return
		}
		c.step(i, now, vrrp.Tick{Cause: c.minter.Cause(at)}, out)
	}
}

// Deadline returns the next instant that needs a Tick; false if there is none.
func (c *Core) Deadline() (time.Time, bool) {
	_, at, ok := c.deadlines.first()
	return at, ok
}

// Touched calls yield for every group that was stepped since the last call.
func (c *Core) Touched(yield func(i int, m *machine.Machine)) {
	for _, i := range c.touched {
		c.isTouched[i] = false
		yield(i, c.groups[i])
	}
	c.touched = c.touched[:0]
}

// Engaged lists the links of groups with a member in Backup or Active, sorted by name.
func (c *Core) Engaged() []string {
	var names []string
	for name, groups := range c.byLink {
		for _, i := range groups {
			if g := c.groups[i]; g.State() == event.Backup || g.Serving() {
				names = append(names, name)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// Group returns a group by its position in the configuration.
func (c *Core) Group(i int) *machine.Machine { return c.groups[i] }
