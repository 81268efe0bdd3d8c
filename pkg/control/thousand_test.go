package control

import (
	"encoding/json"
	"fmt"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// thousand is a router of a thousand instances.
func thousand() router {
	r := pulled()
	m := r.groups[0].Members[1]
	r.groups = nil
	for i := range 1000 {
		in := *m.Instance
		in.Name = fmt.Sprintf("i%03d", i)
		m.Instance = &in
		r.groups = append(r.groups, vrrp.GroupStatus{State: event.Active, Members: []vrrp.InstanceStatus{m}})
		r.stats[in.Name] = &stats.Counters{}
	}
	return r
}

// BenchmarkStatus measures what the status of a thousand instances costs the daemon, and the
// command that reads it.
func BenchmarkStatus(b *testing.B) {
	c := Config{Source: thousand()}
	for name, counted := range map[string]bool{"whole": true, "brief": false} {
		text, err := json.Marshal(c.status(counted))
		if err != nil {
			b.Fatal(err)
		}
		b.Run("written/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = json.Marshal(c.status(counted))
			}
			b.ReportMetric(float64(len(text))/1024, "KiB")
		})
		b.Run("read/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var s Status
				_ = decodeStatus(text, &s)
			}
		})
	}
}
