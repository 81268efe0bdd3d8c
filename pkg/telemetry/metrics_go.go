package telemetry

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// goMetric is a metric of Go's runtime under the name that Prometheus' client library for Go gives
// it, so that dashboards for Go programs work. Its value is the sum of metrics of runtime/metrics.
type goMetric struct {
	name, help string
	kind       kind
	sum        []string
}

// The classes of memory of runtime/metrics that several metrics include.
const (
	heapObjects  = "/memory/classes/heap/objects:bytes"
	heapUnused   = "/memory/classes/heap/unused:bytes"
	heapFree     = "/memory/classes/heap/free:bytes"
	heapReleased = "/memory/classes/heap/released:bytes"
	heapStacks   = "/memory/classes/heap/stacks:bytes"
	mspanInuse   = "/memory/classes/metadata/mspan/inuse:bytes"
	mcacheInuse  = "/memory/classes/metadata/mcache/inuse:bytes"
	tinyAllocs   = "/gc/heap/tiny/allocs:objects"
)

var goMetrics = []goMetric{
	{"go_goroutines", "Number of goroutines.", gauge, []string{"/sched/goroutines:goroutines"}},
	{"go_threads", "Number of threads of Go's runtime.", gauge, []string{"/sched/threads/total:threads"}},
	{"go_sched_gomaxprocs_threads", "Number of goroutines that may run at once (GOMAXPROCS).", gauge, []string{"/sched/gomaxprocs:threads"}},
	{"go_gc_gogc_percent", "Growth of the heap after which it is collected (GOGC).", gauge, []string{"/gc/gogc:percent"}},
	{"go_gc_gomemlimit_bytes", "Limit of memory that Go's runtime tries to keep (GOMEMLIMIT).", gauge, []string{"/gc/gomemlimit:bytes"}},
	{"go_memstats_alloc_bytes", "Size of the objects on the heap.", gauge, []string{heapObjects}},
	{"go_memstats_alloc_bytes_total", "Size of all objects ever allocated.", counter, []string{"/gc/heap/allocs:bytes"}},
	{"go_memstats_mallocs_total", "Number of objects ever allocated.", counter, []string{"/gc/heap/allocs:objects", tinyAllocs}},
	{"go_memstats_frees_total", "Number of objects ever freed.", counter, []string{"/gc/heap/frees:objects", tinyAllocs}},
	{"go_memstats_next_gc_bytes", "Size of the heap at which the next collection begins.", gauge, []string{"/gc/heap/goal:bytes"}},
	{"go_memstats_heap_alloc_bytes", "Size of the objects on the heap.", gauge, []string{heapObjects}},
	{"go_memstats_heap_objects", "Number of objects on the heap.", gauge, []string{"/gc/heap/objects:objects"}},
	{"go_memstats_heap_inuse_bytes", "Memory of the heap that is in use.", gauge, []string{heapObjects, heapUnused}},
	{"go_memstats_heap_idle_bytes", "Memory of the heap that is not in use.", gauge, []string{heapFree, heapReleased}},
	{"go_memstats_heap_released_bytes", "Memory of the heap that was returned to the kernel.", gauge, []string{heapReleased}},
	{"go_memstats_heap_sys_bytes", "Memory that is reserved for the heap.", gauge, []string{heapObjects, heapUnused, heapFree, heapReleased}},
	{"go_memstats_stack_inuse_bytes", "Memory of the stacks of goroutines.", gauge, []string{heapStacks}},
	{"go_memstats_stack_sys_bytes", "Memory of all stacks.", gauge, []string{heapStacks, "/memory/classes/os-stacks:bytes"}},
	{"go_memstats_mspan_inuse_bytes", "Memory of the mspan structures that are in use.", gauge, []string{mspanInuse}},
	{"go_memstats_mspan_sys_bytes", "Memory of all mspan structures.", gauge, []string{mspanInuse, "/memory/classes/metadata/mspan/free:bytes"}},
	{"go_memstats_mcache_inuse_bytes", "Memory of the mcache structures that are in use.", gauge, []string{mcacheInuse}},
	{"go_memstats_mcache_sys_bytes", "Memory of all mcache structures.", gauge, []string{mcacheInuse, "/memory/classes/metadata/mcache/free:bytes"}},
	{"go_memstats_buck_hash_sys_bytes", "Memory of the table of profiles.", gauge, []string{"/memory/classes/profiling/buckets:bytes"}},
	{"go_memstats_gc_sys_bytes", "Memory of the garbage collector.", gauge, []string{"/memory/classes/metadata/other:bytes"}},
	{"go_memstats_other_sys_bytes", "Memory of Go's runtime that is in no other metric.", gauge, []string{"/memory/classes/other:bytes"}},
	{"go_memstats_sys_bytes", "All memory of Go's runtime.", gauge, []string{"/memory/classes/total:bytes"}},
}

// ofGo returns the metrics of Go's runtime.
func ofGo() []family {
	families := []family{
		{"go_info", "Always 1. The label is the version of Go.", gauge, func(p *page, _ *scrape) { p.put(1, "", "version", runtime.Version()) }},
		{"go_gc_duration_seconds", "How long garbage collections stopped all goroutines.", summary, pauses},
		{"go_memstats_last_gc_time_seconds", "Time of the last garbage collection, in seconds since 1970.", gauge, func(p *page, _ *scrape) {
			var gc debug.GCStats
			debug.ReadGCStats(&gc)
			p.put(seconds(gc.LastGC), "")
		}},
	}
	for _, m := range goMetrics {
		families = append(families, family{m.name, m.help, m.kind, func(p *page, _ *scrape) { p.put(m.value(), "") }})
	}
	return families
}

func (m *goMetric) value() (sum float64) {
	samples := make([]metrics.Sample, len(m.sum))
	for i, name := range m.sum {
		samples[i].Name = name
	}
	metrics.Read(samples)
	for _, s := range samples {
		sum += float64(s.Value.Uint64())
	}
	return sum
}

// pauses writes the quartiles of the last collections' pauses, and the sum and number of all.
func pauses(p *page, _ *scrape) {
	quartiles := [...]float64{0, 0.25, 0.5, 0.75, 1}
	gc := debug.GCStats{PauseQuantiles: make([]time.Duration, len(quartiles))}
	debug.ReadGCStats(&gc)
	for i, q := range quartiles {
		p.put(gc.PauseQuantiles[i].Seconds(), "", "quantile", strconv.FormatFloat(q, 'g', -1, 64))
	}
	p.sample("_sum", gc.PauseTotal.Seconds(), "")
	p.sample("_count", float64(gc.NumGC), "")
}
