package telemetry

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/vrrp"
)

// Source is what the metrics are read from. Its methods are called from several
// goroutines, and what they return is not written to afterwards.
type Source interface {
	// Groups are all groups; an instance outside any is a group without a name.
	Groups() []vrrp.GroupStatus
	// Links are the links that instances use.
	Links() []event.Link
	// Stats are the statistics of an instance; nil where there are none.
	Stats(instance string) *vrrp.Stats
	// Unknown are those of adverts that belong to no instance.
	Unknown() *vrrp.Stats
}

// MetricsConfig is what Metrics need. All of it is required.
type MetricsConfig struct {
	Version string    // of ripcord
	Since   time.Time // when the daemon started
	Source  Source
	Events  *bus.Topic[event.Event]
	// Settings are those of a link by name.
	Settings func(name string) link.Settings
	// LinesLost is how many lines of the log are missing.
	LinesLost func() uint64
}

// eventBacklog is how many events may wait to be counted.
const eventBacklog = 1024

// Metrics are what Prometheus is told. Nothing is kept for a virtual router or
// a link: each scrape reads the statistics and snapshots that are there anyway.
// Only what nobody else remembers is counted here, from the events.
type Metrics struct {
	cfg  MetricsConfig
	bell bus.Bell
	ring *bus.Ring[event.Event]

	reaction, lateness  histogram
	overruns, audits    atomic.Uint64
	differences         atomic.Uint64
	stalls, leases      atomic.Uint64
	build, start, lines *prometheus.Desc
	counted             *counted
	instances           *instances
	links               *links
}

// NewMetrics subscribes to the events at once and starts nothing.
func NewMetrics(cfg MetricsConfig) *Metrics {
	bell := bus.NewBell()
	return &Metrics{
		cfg: cfg, bell: bell, ring: bus.SubscribeRing(cfg.Events, bell, eventBacklog),
		build: desc("build_info", "Always 1; the labels say which ripcord runs.", "version", "goversion"),
		start: desc("start_time_seconds", "When the daemon started, in seconds since 1970: RFC 8347's discontinuity-datetime, since when all counters count."),
		lines: desc("log_lines_lost_total", "Log lines that are missing, since events came faster than they could be written or the writer refused them. If it grows, the log does not tell the whole story."),

		counted: newCounted(), instances: newInstances(), links: newLinks(),
	}
}

// desc describes a metric of ripcord.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("ripcord_"+name, help, labels, nil)
}

// AdvertLate counts how late an advert left. It takes no lock and allocates
// nothing: the advert engine calls it on the path that keeps time.
func (m *Metrics) AdvertLate(d time.Duration) { m.lateness.Observe(d) }

// Run counts events until ctx ends. It returns nil.
func (m *Metrics) Run(ctx context.Context) error {
	for {
		select {
		case <-m.bell:
		case <-ctx.Done():
			return nil
		}
		events, _ := m.ring.Take()
		for _, e := range events {
			m.count(e)
		}
	}
}

func (m *Metrics) count(e event.Event) {
	switch e := e.(type) {
	case event.InstanceTransition:
		// Of a group that moves, one member bears the reason.
		if elapsed, ok := e.Elapsed(); ok && e.Reason == event.InterfaceDown {
			m.reaction.Observe(elapsed)
		}
	case event.LinkResync:
		if e.Reason == "overrun" {
			m.overruns.Add(1)
		} else {
			m.audits.Add(1)
		}
		m.differences.Add(uint64(e.Differences))
	case event.EngineStalled:
		m.stalls.Add(1)
	case event.EngineLease:
		m.leases.Add(1)
	}
}

// Handler answers a scrape. It does not compress, and answers two at once at
// most: the processor belongs to the adverts.
func (m *Metrics) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, DisableCompression: true, MaxRequestsInFlight: 2,
	})
}

var _ prometheus.Collector = (*Metrics)(nil)

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.build
	out <- m.start
	out <- m.lines
	m.counted.describe(out)
	m.instances.describe(out)
	m.links.describe(out)
}

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	out <- gauge(m.build, 1, m.cfg.Version, runtime.Version())
	out <- gauge(m.start, seconds(m.cfg.Since))
	out <- counter(m.lines, m.cfg.LinesLost())
	m.counted.collect(m, out)
	m.instances.collect(m.cfg.Source, out)
	for _, l := range m.cfg.Source.Links() {
		m.links.collect(&l, m.cfg.Settings(l.Name), out)
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(d *prometheus.Desc, n uint64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// truth is a gauge of 0 or 1.
func truth(d *prometheus.Desc, v bool, labels ...string) prometheus.Metric {
	if v {
		return gauge(d, 1, labels...)
	}
	return gauge(d, 0, labels...)
}

// seconds is t as Prometheus writes it; an unknown time is 0.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
