package telemetry

import (
	"bufio"
	"context"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// Source is the source of the metrics. Its methods are called from several goroutines, and their
// results are not modified afterwards.
type Source interface {
	// Groups returns all groups; an instance outside any group is a group without a name.
	Groups() []vrrp.GroupStatus
	// Links returns the links that instances use.
	Links() []event.Link
	// Stats returns the statistics of an instance; nil if there are none.
	Stats(instance string) *stats.Counters
	// Warnings returns the warnings in force of an instance.
	Warnings(instance string) []event.Warning
	// Checks returns the states of all checks.
	Checks() []track.Status
	// Runner returns the state of the process that runs commands.
	Runner() runner.Status
	// Unanswered returns how often questions to the kernel failed.
	Unanswered() []event.Failed
	// Unknown returns the statistics of adverts that belong to no instance.
	Unknown() *stats.Counters
}

// MetricsConfig is the configuration of Metrics. All of it is required.
type MetricsConfig struct {
	Version string    // of ripcord
	Since   time.Time // when the daemon started
	Source  Source
	Events  *bus.Topic[event.Event]
	// Settings returns the settings of a link by its name.
	Settings func(name string) link.Settings
	// LinesLost returns how many lines of the log are missing.
	LinesLost func() uint64
	// FIFOLinesLost returns how many lines were lost because the FIFO for transitions was full.
	FIFOLinesLost func() uint64
}

// eventBacklog is the number of events that may wait to be counted.
const eventBacklog = 1024

// Metrics are the metrics for Prometheus. Nothing is kept for a virtual router or a link: each
// scrape reads the statistics and snapshots of other parts. Only counts that no other part has are
// kept here, from the events.
type Metrics struct {
	cfg  MetricsConfig
	bell bus.Bell
	ring *bus.Ring[event.Event]

	reaction, lateness histogram
	overruns, audits   atomic.Uint64
	differences        atomic.Uint64
	stalls, leases     atomic.Uint64
	listenFailures     atomic.Uint64
	notified           [len(notifyResults)]atomic.Uint64
	merged             atomic.Uint64

	families []family // by name
}

// NewMetrics subscribes to the events at once and starts nothing.
func NewMetrics(cfg MetricsConfig) *Metrics {
	bell := bus.NewBell()
	m := &Metrics{cfg: cfg, bell: bell, ring: bus.SubscribeRing(cfg.Events, bell, eventBacklog)}
	m.families = slices.Concat(m.daemon(), m.counted(), instances(), links(), checks())
	for i := range m.families {
		m.families[i].name = "ripcord_" + m.families[i].name
	}
	m.families = slices.Concat(m.families, ofGo(), ofProcess(cfg.Since))
	slices.SortFunc(m.families, func(a, b family) int { return strings.Compare(a.name, b.name) })
	return m
}

// AdvertLate counts how late an advert was sent. It takes no lock and allocates nothing: the advert
// engine calls it on its time-critical path.
func (m *Metrics) AdvertLate(d time.Duration) { m.lateness.Observe(d) }

// Run counts events until ctx ends. It returns nil.
func (m *Metrics) Run(ctx context.Context) error {
	for {
		select {
		case <-m.bell:
		case <-ctx.Done():
			return nil
		}
		for events, _ := m.ring.Take(); len(events) > 0; events, _ = m.ring.Take() { // the last Take releases the events
			for _, e := range events {
				m.count(e)
			}
		}
	}
}

func (m *Metrics) count(e event.Event) {
	switch e := e.(type) {
	case event.InstanceTransition:
		// In a group that moves, one member has the reason.
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
	case event.ControlPort:
		if e.Err != "" {
			m.listenFailures.Add(1)
		}
	case event.NotifyRan:
		if i := slices.Index(notifyResults[:], e.Result); i >= 0 {
			m.notified[i].Add(1)
		}
		m.merged.Add(uint64(e.Merged))
	}
}

// scrapes is the number of scrapes that are written into memory at once.
const scrapes = 2

// Handler answers a scrape, in Prometheus' text format whatever format is requested. It does not
// compress, and writes at most two at once: the processor belongs to the adverts. With name[] in
// the query it writes only these metrics.
func (m *Metrics) Handler() http.Handler {
	slots, sent := make(chan struct{}, scrapes), new(answers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
		case <-time.After(scrapeWait):
			http.Error(w, "other scrapes are being answered: ask again later", http.StatusServiceUnavailable)
			return
		}
		t := new(rendered)
		func() {
			defer func() { <-slots }()
			out := bufio.NewWriterSize(t, 32<<10)
			m.expose(out, r.URL.Query()["name[]"])
			_ = out.Flush() // memory refuses nothing
		}()
		w.Header().Set("Content-Type", textFormat)
		sent.send(w, t)
		t.forget()
	})
}

// expose writes all metrics, or the requested ones.
func (m *Metrics) expose(out *bufio.Writer, wanted []string) {
	p, s := page{out: out}, m.cfg.read()
	for i := range m.families {
		if f := &m.families[i]; wants(wanted, f.name) {
			p.write(f, s)
		}
	}
}

// wants reports whether a metric is requested; all are if no name is given.
func wants(wanted []string, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}

// daemon returns the metrics of the daemon as a whole.
func (m *Metrics) daemon() []family {
	return []family{
		{"build_info", "Always 1. The labels are the version of ripcord and of Go.", gauge, func(p *page, _ *scrape) {
			p.put(1, "", "goversion", runtime.Version(), "version", m.cfg.Version)
		}},
		{"start_time_seconds", "Start time of the daemon, in seconds since 1970 (RFC 8347: discontinuity-datetime). All counters count since then.", gauge, func(p *page, _ *scrape) {
			p.put(seconds(m.cfg.Since), "")
		}},
		ofDaemon("log_lines_lost_total", "Lost log lines: events came faster than they could be written, or the writer refused them. If this grows, the log is incomplete.", m.cfg.LinesLost),
	}
}

// truth returns 1 for true and 0 for false.
func truth(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

// seconds returns t in seconds since 1970; 0 for the zero time, which is unknown.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
