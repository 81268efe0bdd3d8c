package router

import (
	"context"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Reconfiguration is a new configuration for a router and its executors.
type Reconfiguration struct {
	Groups []vrrp.Group
	Sets   []addr.Set // for the address worker
}

// reload is a Reconfiguration that waits for the loop.
type reload struct {
	Reconfiguration
	done chan struct{}
}

// Reconfigure makes the loop apply a new configuration, and returns when it has done so, or when
// ctx ends. The receiver and the monitor of the links must know the instances by then.
func (r *Router) Reconfigure(ctx context.Context, to Reconfiguration) error {
	wait := reload{to, make(chan struct{})}
	select {
	case r.reloads <- wait:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.bell.Ring()
	select {
	case <-wait.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reconfigure applies a new configuration if there is one.
func (r *Router) reconfigure() {
	select {
	case to := <-r.reloads:
		var out Orders
		now := r.cfg.Now()
		r.core.Reconfigure(now, to.Reconfiguration, r.cfg.Links.Snapshot(), &out)
		r.storeSnapshots(now)
		r.dispatch(&out)
		r.engaged = false
		close(to.done)
	default:
	}
}

// storeSnapshots replaces the list of snapshots with one for the present groups.
func (r *Router) storeSnapshots(now time.Time) {
	status := make([]atomic.Pointer[vrrp.GroupStatus], len(r.core.groups))
	for i, g := range r.core.groups {
		status[i].Store(g.Status(now))
	}
	r.status.Store(&status)
}

// Reconfigure applies a new configuration, with the present states of all links. A group with an
// equal configuration is not touched. A group that continues another one (vrrp.Succeed) is changed,
// even if its members differ; groups that no other continues are stopped, and new ones are started.
func (c *Core) Reconfigure(now time.Time, to Reconfiguration, links []event.Link, out *Orders) {
	groups, before := to.Groups, c.groups
	machines, added := c.succeed(now, groups)
	cause := c.minter.Cause(now)
	c.setGroups(machines, groups)
	known := c.linksByGroup(links)
	for _, m := range before {
		switch at := slices.Index(machines, m); {
		case at < 0 && m.Empty():
			out.translate(m.Config(), m.Dissolve(now, cause))
		case at < 0:
			out.translate(m.Config(), m.Step(now, vrrp.Stop{Cause: cause}))
		}
	}
	var changed []int
	for i, m := range machines {
		if c.touch(i); !added[i] && !reflect.DeepEqual(*m.Config(), groups[i]) {
			changed = append(changed, i)
		}
	}
	for _, i := range changed { // before they join another group
		m := machines[i]
		if rest, fewer := without(*m.Config(), &groups[i]); fewer {
			out.translate(m.Config(), m.Step(now, vrrp.Reconfigured{Cause: cause, Group: rest, Links: known[i]}))
		}
	}
	out.Addresses = append(out.Addresses, addr.Order{Kind: addr.Configure, Cause: cause, Sets: to.Sets})
	c.reloaded = now
	c.standing.forget(func(instance string) bool {
		_, is := c.byInstance[instance]
		return !is
	})
	for _, i := range changed {
		c.step(i, now, vrrp.Reconfigured{Cause: cause, Group: groups[i], Links: known[i]}, out)
		c.restate(i, now, out)
	}
	for i := range machines {
		if !added[i] {
			continue
		}
		for _, l := range known[i] {
			c.step(i, now, vrrp.LinkSeen{Link: l}, out)
		}
		c.restate(i, now, out)
		c.step(i, now, vrrp.Start{Cause: cause}, out)
	}
	c.RecordActives(out)
}

// RecordActives records the Actives of all instances again.
func (c *Core) RecordActives(out *Orders) {
	for _, m := range c.groups {
		out.translate(m.Config(), m.RecordActives())
	}
}

// restate passes the standing results that concern a group to it again.
func (c *Core) restate(i int, now time.Time, out *Orders) {
	for in := range c.standing.of(c.groups[i].Config(), now) {
		c.step(i, now, in, out)
	}
}

// linksByGroup returns the links of each group, by its index. Many links may belong to no group.
func (c *Core) linksByGroup(links []event.Link) map[int][]event.Link {
	known := make(map[int][]event.Link)
	for _, l := range links {
		for _, i := range c.byLink[l.Name] {
			known[i] = append(known[i], l)
		}
	}
	return known
}

// without returns a group without the members that leave it, and whether there are any such
// members.
func without(g vrrp.Group, is *vrrp.Group) (rest vrrp.Group, fewer bool) {
	all := g.Members
	g.Members = slices.DeleteFunc(slices.Clone(all), func(in vrrp.Instance) bool {
		return !slices.ContainsFunc(is.Members, func(o vrrp.Instance) bool { return in.Same(&o) })
	})
	return g, len(g.Members) < len(all)
}
