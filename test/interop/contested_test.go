package interop

import (
	"slices"
	"testing"
	"time"
)

// TestContested checks that two routers count as Active at once from the first advert of one
// between two of the other to the last such advert, and that a takeover after silence, or one that
// the other yields to at once, does not count.
func TestContested(t *testing.T) {
	a, b := router(&ripcord{}), router(&keepalived{})
	cases := []struct {
		name   string
		claims string // a letter each 100 ms: who advertised; - for no router
		from   int    // the contest, by letter; 0 for none
		to     int
	}{
		{"one alone", "aaaaa", 0, 0},
		{"a takeover after silence", "aaa---bbb", 0, 0},
		{"a preemption that is obeyed", "aaabbb", 0, 0},
		{"one advert crosses the other", "aaababbb", 3, 4},
		{"the loser goes on for a while", "aaabababbb", 3, 6},
		{"the winner takes back what it had", "aaabaaa", 3, 3},
		{"a return after the Active was gone", "aaa---bbb----aaa", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			var claims []claim
			for i, by := range c.claims {
				at := start.Add(time.Duration(i) * 100 * time.Millisecond)
				switch by {
				case 'a':
					claims = append(claims, claim{at, a})
				case 'b':
					claims = append(claims, claim{at, b})
				}
			}
			var want []span
			if c.from > 0 {
				want = []span{{start.Add(time.Duration(c.from) * 100 * time.Millisecond), start.Add(time.Duration(c.to) * 100 * time.Millisecond)}}
			}
			if got := contested(claims, 300*time.Millisecond); !slices.Equal(got, want) {
				t.Errorf("%s: two Actives %v, want %v", c.claims, got, want)
			}
		})
	}
}
