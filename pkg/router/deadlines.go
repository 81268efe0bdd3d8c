package router

import (
	"time"

	"ripcord/pkg/deadline"
)

// deadlines orders the groups by the instant at which each needs a Tick.
type deadlines struct {
	groups []groupDeadline
	queue  deadline.Queue[*groupDeadline]
}

type groupDeadline struct {
	deadline.Position
	group int
	at    time.Time
}

// Before orders groups by their deadlines.
func (d *groupDeadline) Before(e *groupDeadline) bool { return d.at.Before(e.at) }

func newDeadlines(groups int) *deadlines {
	d := &deadlines{groups: make([]groupDeadline, groups)}
	for i := range d.groups {
		d.groups[i].group = i
	}
	return d
}

func (d *deadlines) set(group int, at time.Time) {
	d.groups[group].at = at
	d.queue.Put(&d.groups[group])
}

func (d *deadlines) remove(group int) { d.queue.Remove(&d.groups[group]) }

func (d *deadlines) first() (group int, at time.Time, ok bool) {
	if d.queue.Len() == 0 {
		return 0, time.Time{}, false
	}
	first := d.queue.First()
	return first.group, first.at, true
}
