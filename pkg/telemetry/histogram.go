package telemetry

import (
	"strconv"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets: from a timely wake-up to a second, where VRRP's own
// timers expire.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

// histogram counts durations in fixed buckets. The zero value is ready; it may
// be written and read from any goroutine. Observe takes no lock and allocates
// nothing.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // the last one: longer than any bound
	sum     atomic.Int64                   // nanoseconds
}

// Observe counts one duration.
func (h *histogram) Observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// series writes the present counts in Prometheus' form: each bucket includes those below it.
func (h *histogram) series(p *page, _ *scrape) {
	var count uint64
	for i, upto := range bounds {
		count += h.buckets[i].Load()
		p.sample("_bucket", float64(count), "", "le", strconv.FormatFloat(upto.Seconds(), 'g', -1, 64))
	}
	count += h.buckets[len(bounds)].Load()
	p.sample("_bucket", float64(count), "", "le", "+Inf")
	p.sample("_sum", time.Duration(h.sum.Load()).Seconds(), "")
	p.sample("_count", float64(count), "")
}
