package daemon

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The daemon allocates much memory only at the start, when the configuration is read and all
// instances move, and at a failover. Go would keep that memory for months, up to as much again as
// is in use. So it is returned once the daemon is quiet, and not before: a collection must not
// coincide with a failover.
const (
	tidyLook  = 2 * time.Second // the period of the looks
	tidyQuiet = 400 << 10       // the daemon is quiet if it allocates fewer bytes in that time
	tidyWorth = 4 << 20         // the bytes that must have been allocated since the last time
)

// tidy returns a function that returns memory to the kernel until ctx ends. It calls pack before,
// which may leave much garbage.
func tidy(pack func()) func(ctx context.Context) error {
	var t tidier
	look := func() {
		if t.due(read("/gc/heap/allocs:bytes")) {
			pack()
			debug.FreeOSMemory()
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(percentFor(read("/gc/heap/live:bytes")))
			}
		}
	}
	return func(ctx context.Context) error { return each(ctx, tidyLook, look) }
}

// tidier decides when to return memory, by the number of bytes ever allocated.
type tidier struct{ seen, tidied uint64 }

// due reports whether to return memory now; allocated is the number of bytes ever allocated.
func (t *tidier) due(allocated uint64) bool {
	quiet := allocated-t.seen < tidyQuiet
	t.seen = allocated
	if !quiet || allocated-t.tidied < tidyWorth {
		return false
	}
	t.tidied = allocated
	return true
}

// percentFor returns the GOGC for a heap of live bytes: Go collects no sooner than by default, and
// for a heap of small or usual size not before there are headroom bytes of garbage. A takeover of
// 250 addresses made half a megabyte, which caused a collection in the middle of it. At rest this
// costs no memory, since tidy returns it. GOGC is at most 200: many events without a quiet moment
// make the heap grow, and Go then allows the same share of the larger heap.
func percentFor(live uint64) int {
	const usual = 100
	return int(max(usual, 100*headroom/max(live, headroom/2)))
}

// headroom is the garbage, in bytes, below which no collection begins in a heap of at least half of
// that size.
const headroom = 16 << 20

// read returns one of the runtime's metrics.
func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
