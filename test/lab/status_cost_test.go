package lab

import (
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// statusWithin is how long `ripcord status` takes with a thousand instances at most, from the start
// of its process to its end, on a machine that does nothing else.
const statusWithin = 20 * time.Millisecond

// TestStatusOfThousandInstances measures it beside `ripcord version`, which only starts and ends:
// on a busy or slow machine the status takes no more than six times as long.
func TestStatusOfThousandInstances(t *testing.T) {
	r := newThousand(t)
	r.begin()
	measured(t, func(*machine) (wrong string) {
		const times = 25
		nothing, status := r.took(times, "version"), r.took(times, "status", "--socket", r.a.socket)
		t.Logf("status: fastest %v, median %v; version: fastest %v, median %v", status[0], median(status), nothing[0], median(nothing))
		if status[0] > max(statusWithin, 6*nothing[0]) {
			return fmt.Sprintf("ripcord status takes %v, ripcord version %v", status[0], nothing[0])
		}
		return ""
	})
}

// took returns how long each of some runs of ripcord took, sorted.
func (r *thousand) took(times int, args ...string) (all []time.Duration) {
	r.t.Helper()
	for range times {
		command := exec.Command(binary, args...)
		begun := time.Now()
		if out, err := command.CombinedOutput(); err != nil {
			r.t.Fatalf("ripcord %v: %v\n%s", args, err, out)
		}
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	return all
}
