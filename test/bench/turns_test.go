package bench

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// inTurn has each maker measured, block by block, one after the other.
func inTurn[T any](t *testing.T, measure func(t *testing.T, m maker) []T) (ours, theirs []T) {
	t.Helper()
	took := make(map[string][]T)
	for block := range now.blocks {
		for _, m := range makers {
			t.Run(fmt.Sprintf("%s/%d", m.name(), block+1), func(t *testing.T) {
				took[m.name()] = append(took[m.name()], measure(t, m)...)
			})
		}
	}
	ours, theirs = took["ripcord"], took["keepalived"]
	if !t.Failed() && (len(ours) == 0 || len(theirs) == 0) {
		t.Error("nothing was measured")
	}
	if t.Failed() {
		t.FailNow() // what is incomplete is no figure
	}
	return ours, theirs
}

// lanes measures on several LANs at once.
func lanes[T any](t *testing.T, measure func(t *testing.T) []T) (took []T) {
	var mu sync.Mutex
	t.Run("lanes", func(t *testing.T) {
		for i := range now.lanes {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				list := measure(t)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, list...)
			})
		}
	})
	return took
}

// churn has other links change until the test ends.
func churn(t *testing.T) {
	t.Helper()
	c, err := lan.StartChurn(200 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// ms are durations as figures.
func ms(list []time.Duration) []float64 {
	out := make([]float64, len(list))
	for i, d := range list {
		out[i] = float64(d) / float64(time.Millisecond)
	}
	return out
}

// quantile is the value that a share q of the values do not exceed; the highest
// where there are too few.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }
func p99(values []float64) float64    { return quantile(values, 0.99) }

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}
