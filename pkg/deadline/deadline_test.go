package deadline

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEarliest(t *testing.T) {
	base := time.Unix(100, 0)
	var e Earliest
	e.Add(time.Time{})
	if at, ok := e.Get(); ok {
		t.Errorf("an empty Earliest has %v", at)
	}
	e.AddIf(base, false)
	for _, after := range []time.Duration{3, 1, 2} {
		e.AddIf(base.Add(after), true)
		e.Add(time.Time{})
	}
	if at, ok := e.Get(); !ok || !at.Equal(base.Add(1)) {
		t.Errorf("the earliest is %v, %v; want %v", at, ok, base.Add(1))
	}
}

type number struct {
	Position
	n int
}

func (x *number) Before(y *number) bool { return x.n < y.n }

// TestQueue applies random operations to a queue and to a list of the same items, and empties
// both.
func TestQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var q Queue[*number]
		all := make([]*number, 1+rng.IntN(40))
		for i := range all {
			all[i] = &number{n: rng.IntN(50)}
		}
		in := map[*number]bool{}
		for range 200 {
			x := all[rng.IntN(len(all))]
			switch rng.IntN(8) {
			case 0, 1:
				q.Remove(x)
				delete(in, x)
			case 2:
				least := rng.IntN(20)
				q.Keep(func(x *number) bool { return x.n >= least })
				for x := range in {
					if x.n < least {
						delete(in, x)
					}
				}
			default:
				x.n = rng.IntN(50)
				q.Put(x)
				in[x] = true
			}
			check(t, &q, all, in)
		}
		for q.Len() > 0 {
			q.Remove(q.First())
			if q.Len() > 0 {
				check(t, &q, all, nil)
			}
		}
		for _, x := range all {
			if x.Queued() {
				t.Fatalf("%d is said to be in an empty queue", x.n)
			}
		}
	}
}

// check compares a queue with the items that it should hold; with nil it checks only its
// consistency.
func check(t *testing.T, q *Queue[*number], all []*number, in map[*number]bool) {
	t.Helper()
	var held []*number
	for x := range q.All {
		held = append(held, x)
	}
	if in != nil {
		for _, x := range all {
			if x.Queued() != in[x] || slices.Contains(held, x) != in[x] {
				t.Fatalf("%d queued: %v, held: %v, want %v", x.n, x.Queued(), slices.Contains(held, x), in[x])
			}
		}
	}
	if len(held) != q.Len() {
		t.Fatalf("%d items, Len says %d", len(held), q.Len())
	}
	for _, x := range held {
		if q.First() != x && x.Before(q.First()) {
			t.Fatalf("%d is first, and %d is before it", q.First().n, x.n)
		}
	}
}
