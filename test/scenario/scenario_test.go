package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/test/golden"
)

// TestScenarios keeps what moves in each scenario on the virtual LAN, whose order is the same
// whatever is left to chance; test/lab plays them on real ones.
func TestScenarios(t *testing.T) {
	all, err := All(".")
	if err != nil || len(all) < 12 {
		t.Fatalf("%d scenarios, %v", len(all), err)
	}
	var b strings.Builder
	for _, s := range all {
		first, err := s.Simulate(1)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		fmt.Fprintf(&b, "%s: %s\n", s.Name, s.Title)
		for _, m := range first {
			fmt.Fprintf(&b, "%9.3f  %v\n", m.At.Seconds(), m)
		}
		for seed := range uint64(20) {
			moves, err := s.Simulate(seed)
			if err != nil {
				t.Fatal(err)
			}
			if differs := s.Compare(first, moves); len(differs) > 0 {
				t.Errorf("%s, seed %d: %s", s.Name, seed, strings.Join(differs, "; "))
			}
		}
	}
	golden.Check(t, "testdata/moves.golden", b.String())
}

// Compare must be able to fail.
func TestCompare(t *testing.T) {
	s := Scenario{Routers: []string{"a"}, Tolerances: []Tolerance{{Long: 10}}}
	one := []Move{{100, "a", "edge", "active"}}
	for _, other := range [][]Move{nil, {{111, "a", "edge", "active"}}, {{100, "a", "edge", "fault"}}, {one[0], one[0]}} {
		if len(s.Compare(one, other)) == 0 {
			t.Errorf("%v is the same as %v", other, one)
		}
	}
	if d := s.Compare(one, []Move{{109, "a", "edge", "active"}}); len(d) > 0 {
		t.Error(d)
	}
	// The last tolerance counts that has begun.
	s.Tolerances = append(s.Tolerances, Tolerance{From: 100, Long: 20}, Tolerance{From: 101, Long: 1})
	if d := s.Compare(one, []Move{{119, "a", "edge", "active"}}); len(d) > 0 {
		t.Error(d)
	}
	// Of two routers, a moves first.
	s = Scenario{Routers: []string{"a", "b"}, Tolerances: []Tolerance{{Long: time.Second}}}
	moves := func(a, b time.Duration) []Move { return []Move{{a, "a", "edge", "fault"}, {b, "b", "edge", "active"}} }
	if len(s.Compare(moves(0, 2*apart), moves(apart, 0))) == 0 {
		t.Error("in another order they are the same")
	}
	for _, real := range [][]Move{moves(0, apart), moves(apart, 3*apart), moves(0, 1)} {
		if d := s.Compare(moves(0, 2*apart), real); len(d) > 0 {
			t.Error(d)
		}
	}
	if d := s.Compare(moves(0, apart), moves(apart, 0)); len(d) > 0 {
		t.Error(d)
	}
}
