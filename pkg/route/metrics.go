package route

import (
	"fmt"
	"strings"
)

// Metric is an RTAX_*: a property of a route for the connections that use it.
type Metric uint8

// metricNames are ip route's words for the metrics, by their numbers.
var metricNames = [...]string{
	2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering", 10: "hoplimit",
	11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 16: congctl, 17: "fastopen_no_cookie",
}

// congctl is the metric whose value is a name.
const congctl = "congctl"

// MetricOf returns the metric with that name in ip route.
func MetricOf(name string) (Metric, bool) {
	for n, known := range metricNames {
		if known == name && name != "" {
			return Metric(n), true
		}
	}
	return 0, false
}

// Metrics are the metrics of a route. They are comparable.
type Metrics struct {
	values [len(metricNames)]uint32
	said   uint32 // a bit for each value that is set
	locked uint32 // a bit for each locked value: RTAX_LOCK
	algo   string // the algorithm of congestion control
}

// Set sets a metric.
func (m *Metrics) Set(n Metric, value uint32) { m.values[n], m.said = value, m.said|1<<n }

// SetCongestion sets the algorithm of congestion control.
func (m *Metrics) SetCongestion(name string) { m.algo = name }

// Lock keeps the kernel from changing a metric by what it learns, for example about the MTU of a
// path.
func (m *Metrics) Lock(n Metric) { m.locked |= 1 << n }

// String writes them as ip route does, each after a blank.
func (m Metrics) String() string {
	var b strings.Builder
	for n, name := range metricNames {
		if m.said&(1<<n) == 0 && (name != congctl || m.algo == "") {
			continue
		}
		b.WriteString(" " + name)
		if m.locked&(1<<n) != 0 {
			b.WriteString(" lock")
		}
		if name == congctl {
			b.WriteString(" " + m.algo)
		} else {
			fmt.Fprintf(&b, " %d", m.values[n])
		}
	}
	return b.String()
}
