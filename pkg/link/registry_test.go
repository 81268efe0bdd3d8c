package link

import (
	"slices"
	"testing"
)

// stack returns a registry of n links, each stacked on the one before.
func stack(n int) *registry {
	r := newRegistry()
	for i := range n {
		r.insert(&entry{seen: up(i+1, "", on(i))})
	}
	return &r
}

func indexes(walk func(func(*entry) bool)) (list []int) {
	for e := range walk {
		list = append(list, e.seen.Index)
	}
	return list
}

// TestWalks requires that both walks end after maxDepth links, also if links are stacked in a
// circle.
func TestWalks(t *testing.T) {
	r := stack(maxDepth + 2)
	if got, want := indexes(r.lower(r.byIndex[4])), []int{4, 3, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("lower %v, want %v", got, want)
	}
	if got := indexes(r.lower(r.byIndex[maxDepth+2])); len(got) != maxDepth {
		t.Errorf("lower %v, want %d of them", got, maxDepth)
	}
	if got := indexes(r.upper(r.byIndex[1])); len(got) != maxDepth || got[0] != 2 {
		t.Errorf("upper %v, want %d of them", got, maxDepth)
	}
	r.insert(&entry{seen: up(20, "", on(2))})
	if got, want := indexes(r.upper(r.byIndex[2])), []int{3, 4, 5, 6, 7, 8, 9, 10, 20}; !slices.Equal(got, want) {
		t.Errorf("upper %v, want %v", got, want)
	}
	r = stack(3)
	first := r.byIndex[1]
	r.attach(first, 3)
	first.seen.Parent = 3
	if got, want := indexes(r.upper(first)), []int{2, 3}; !slices.Equal(got, want) {
		t.Errorf("upper in a circle %v, want %v", got, want)
	}
	if got := indexes(r.lower(first)); len(got) != maxDepth {
		t.Errorf("lower in a circle %v, want %d of them", got, maxDepth)
	}
	for range r.upper(first) { // a walk that ends early
		break
	}
	if got, want := indexes(r.upper(first)), []int{2, 3}; !slices.Equal(got, want) {
		t.Errorf("upper after a walk that ended early %v, want %v", got, want)
	}
}
