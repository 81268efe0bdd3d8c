package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDeadlinesProperty checks that the queue has the same order as a sorted list, whatever is
// set and removed.
func TestDeadlinesProperty(t *testing.T) {
	const groups = 6
	rapid.Check(t, func(t *rapid.T) {
		d, list := newDeadlines(groups), map[int]time.Time{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			g := rapid.IntRange(0, groups-1).Draw(t, "group")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				d.remove(g)
				delete(list, g)
			} else {
				at := time.Unix(rapid.Int64Range(0, 20).Draw(t, "at"), 0)
				d.set(g, at)
				list[g] = at
			}
			var least time.Time
			for _, at := range list {
				if least.IsZero() || at.Before(least) {
					least = at
				}
			}
			got, at, ok := d.first()
			if ok != (len(list) > 0) || !at.Equal(least) {
				t.Fatalf("first is %v, %v; want %v of %v", at, ok, least, list)
			}
			if ok && !list[got].Equal(least) {
				t.Fatalf("first is group %d at %v, which is set to %v", got, at, list[got])
			}
		}
		for len(list) > 0 { // the rest comes out in order
			g, at, ok := d.first()
			for _, other := range list {
				if !ok || other.Before(at) {
					t.Fatalf("%v came before %v", at, other)
				}
			}
			d.remove(g)
			delete(list, g)
		}
		if _, _, ok := d.first(); ok {
			t.Fatal("the queue is not empty")
		}
	})
}
