package bench

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
)

// rhythm is how regular the adverts of one instance are.
type rhythm struct {
	errors  []float64 // against a grid through the one that was the least late, in ms
	drift   float64   // how much later they come, in µs a second
	scatter float64   // of what is left without the drift, from the tenth percentile to the ninetieth, in µs
}

// rhythmOf compares adverts with a grid.
func rhythmOf(list []time.Time, interval time.Duration) (r rhythm) {
	apart := len(list) / 4
	if apart == 0 {
		return r
	}
	late := make([]float64, len(list)) // against a grid through the first, in µs
	for k, at := range list {
		late[k] = float64(at.Sub(list[0])-time.Duration(k)*interval) / float64(time.Microsecond)
	}
	var drifts []float64
	for k := range len(late) - apart {
		drifts = append(drifts, (late[k+apart]-late[k])/(float64(apart)*interval.Seconds()))
	}
	r.drift = median(drifts)
	still := make([]float64, len(late))
	for k, l := range late {
		still[k] = l - r.drift*float64(k)*interval.Seconds()
	}
	r.scatter = quantile(still, 0.9) - quantile(still, 0.1)
	least := slices.Min(late)
	for _, l := range late {
		r.errors = append(r.errors, (l-least)/1000)
	}
	return r
}

// driftOf returns the drift of the tenth of the instances whose adverts scatter least, in µs a
// second.
func driftOf(all []rhythm) float64 {
	slices.SortFunc(all, func(a, b rhythm) int { return cmp.Compare(a.scatter, b.scatter) })
	return median(pick(all[:min(len(all), len(all)/10+1)], func(r rhythm) float64 { return r.drift }))
}

func TestRhythm(t *testing.T) {
	began := time.Now()
	grid := func(error func(k int) time.Duration) (list []time.Time) {
		for k := range 100 {
			list = append(list, began.Add(time.Duration(k)*100*time.Millisecond+error(k)))
		}
		return list
	}
	for name, c := range map[string]struct {
		error               func(k int) time.Duration
		p99, drift, scatter float64
	}{
		"on the grid": {func(int) time.Duration { return 0 }, 0, 0, 0},
		"a ms late, but once": {func(k int) time.Duration {
			if k == 7 {
				return 0
			}
			return time.Millisecond
		}, 1, 0, 0},
		"a ms late from the middle on": {func(k int) time.Duration { return time.Duration(k/50) * time.Millisecond }, 1, 0, 1000},
		"0.1 ms later each time":       {func(k int) time.Duration { return time.Duration(k) * 100 * time.Microsecond }, 9.8, 1000, 0},
	} {
		r := rhythmOf(grid(c.error), 100*time.Millisecond)
		if got := p99(r.errors); math.Abs(got-c.p99) > 0.01 {
			t.Errorf("%s: p99 %v ms, want %v", name, got, c.p99)
		}
		if math.Abs(r.drift-c.drift) > 0.01 {
			t.Errorf("%s: drift %v µs a second, want %v", name, r.drift, c.drift)
		}
		if math.Abs(r.scatter-c.scatter) > 0.01 {
			t.Errorf("%s: scatter %v µs, want %v", name, r.scatter, c.scatter)
		}
	}
	regular, wild := rhythm{drift: 2, scatter: 1}, rhythm{drift: 500, scatter: 300}
	if got := driftOf([]rhythm{wild, wild, wild, wild, regular, wild, wild, wild, wild}); got != 2 {
		t.Errorf("drift %v µs a second, want that of the regular one", got)
	}
}
