package router

import (
	"time"

	"ripcord/pkg/deadline"
)

// deadlines orders the groups by the instant at which each needs a Tick. Each advert postpones the
// instant of a Backup, so a group is moved in the queue only when it is at the head.
type deadlines struct {
	groups []groupDeadline
	queue  deadline.Queue[*groupDeadline]
}

type groupDeadline struct {
	deadline.Position
	group int
	at    time.Time
	from  time.Time // its position in the queue: at, or an earlier instant
}

// Before orders groups by their positions in the queue.
func (d *groupDeadline) Before(e *groupDeadline) bool { return d.from.Before(e.from) }

func newDeadlines(groups int) *deadlines {
	d := &deadlines{groups: make([]groupDeadline, groups)}
	for i := range d.groups {
		d.groups[i].group = i
	}
	return d
}

func (d *deadlines) set(group int, at time.Time) {
	g := &d.groups[group]
	if g.at = at; g.Queued() && !at.Before(g.from) {
		return
	}
	d.enqueue(g)
}

// enqueue moves a group to the position of its present instant.
func (d *deadlines) enqueue(g *groupDeadline) {
	g.from = g.at
	d.queue.Put(g)
}

func (d *deadlines) remove(group int) { d.queue.Remove(&d.groups[group]) }

func (d *deadlines) first() (group int, at time.Time, ok bool) {
	for d.queue.Len() > 0 {
		first := d.queue.First()
		if !first.at.After(first.from) {
			return first.group, first.at, true
		}
		d.enqueue(first)
	}
	return 0, time.Time{}, false
}
