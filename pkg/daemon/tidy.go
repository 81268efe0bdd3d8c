package daemon

import (
	"context"
	"os"
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
	program := findTables()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if t.due(read("/gc/heap/allocs:bytes")) {
				debug.FreeOSMemory()
				program.unload()
				if os.Getenv("GOGC") == "" {
					debug.SetGCPercent(percentFor(read("/gc/heap/live:bytes")))
				}
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

// percentFor returns at which growth of what is in use, in percent, Go is to collect: not
// before headroom of garbage has come together, and not before Go itself would. A takeover of
// 250 addresses makes half a megabyte of it, which set off a collection in its midst. At rest
// this costs no memory, as what is left by then is tidied up.
func percentFor(live uint64) int {
	const usual = 100
	return int(max(usual, 100*headroom/max(live, 1)))
}

const headroom = 16 << 20

// read returns one of the runtime's figures.
func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
