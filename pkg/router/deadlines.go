package router

import (
	"container/heap"
	"time"
)

// deadlines orders the groups by the instant at which each needs a Tick.
type deadlines struct {
	at    []time.Time // by group
	place []int       // by group: index into order; -1: none
	order []int       // heap of groups
}

func newDeadlines(groups int) *deadlines {
	d := &deadlines{at: make([]time.Time, groups), place: make([]int, groups)}
	for i := range d.place {
		d.place[i] = -1
	}
	return d
}

func (d *deadlines) set(group int, at time.Time) {
	d.at[group] = at
	if d.place[group] < 0 {
		heap.Push(d, group)
		return
	}
	heap.Fix(d, d.place[group])
}

func (d *deadlines) remove(group int) {
	if d.place[group] >= 0 {
		heap.Remove(d, d.place[group])
	}
}

func (d *deadlines) first() (group int, at time.Time, ok bool) {
	if len(d.order) == 0 {
		return 0, time.Time{}, false
	}
	return d.order[0], d.at[d.order[0]], true
}

// Len, Less, Swap, Push and Pop are heap.Interface.
func (d *deadlines) Len() int           { return len(d.order) }
func (d *deadlines) Less(i, j int) bool { return d.at[d.order[i]].Before(d.at[d.order[j]]) }
func (d *deadlines) Swap(i, j int) {
	d.order[i], d.order[j] = d.order[j], d.order[i]
	d.place[d.order[i]], d.place[d.order[j]] = i, j
}
func (d *deadlines) Push(x any) {
	d.place[x.(int)] = len(d.order)
	d.order = append(d.order, x.(int))
}
func (d *deadlines) Pop() any {
	last := d.order[len(d.order)-1]
	d.order = d.order[:len(d.order)-1]
	d.place[last] = -1
	return last
}
