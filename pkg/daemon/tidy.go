package daemon

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The daemon seldom works hard: at the start, when the configuration is read and all
// instances move, and at a failover. Go would keep the memory of that garbage for the next
// time, up to as much again as is in use, and the machine would lack it for months. So it is
// given back once the daemon is quiet, and not before: a collection must not meet a failover.
const (
	tidyLook  = 2 * time.Second // how often it is looked at
	tidyQuiet = 400 << 10       // fewer bytes are allocated in that time where nothing goes on
	tidyWorth = 4 << 20         // as much has to have been allocated since the last time
)

// tidy gives memory back until ctx ends.
func tidy(ctx context.Context) error {
	look := time.NewTicker(tidyLook)
	defer look.Stop()
	var t tidier
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if t.due(allocated()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// tidier decides when it is worth while, by how many bytes were ever allocated.
type tidier struct{ seen, tidied uint64 }

// due takes a look.
func (t *tidier) due(allocated uint64) bool {
	quiet := allocated-t.seen < tidyQuiet
	t.seen = allocated
	if !quiet || allocated-t.tidied < tidyWorth {
		return false
	}
	t.tidied = allocated
	return true
}

// allocated is how many bytes the program has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
