package telemetry

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"ripcord/pkg/addr"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
	"ripcord/test/golden"
)

// snapshot is a source whose "inside" lost its cable; "dmz" is outside any group.
type snapshot struct {
	groups  []vrrp.GroupStatus
	links   []event.Link
	stats   map[string]*stats.Counters
	unknown *stats.Counters
}

func (s snapshot) Warnings(instance string) []event.Warning {
	switch instance {
	case "inside":
	case addr.StaticName:
		return []event.Warning{{Instance: instance, Reason: event.WarnNotPlaced, Subject: "192.0.2.9/24 on eth9"}}
	case event.MachineName:
		return []event.Warning{{Instance: instance, Reason: event.WarnUnanswered, Subject: string(event.AskLinks)}}
	default:
		return nil
	}
	return []event.Warning{{Instance: instance, Reason: "proxy-arp", Subject: "eth0"}}
}
func (s snapshot) Unanswered() []event.Failed {
	return []event.Failed{{Question: event.AskLinks, Count: 4}, {Question: event.AskNeighbors, Count: 1}}
}
func (s snapshot) Runner() runner.Status { return runner.Status{Ready: true, Lost: 1} }

func (s snapshot) Checks() []track.Status {
	if s.groups == nil {
		return nil
	}
	began := time.Unix(1_772_366_400, 0)
	return []track.Status{
		{Report: track.Report{Name: "load", State: track.Up, Value: -5}, Since: began, Runs: 90},
		{Report: track.Report{Name: "web", State: track.Down}, Since: began.Add(time.Minute), Runs: 45, Failed: 3, Skipped: 1},
	}
}
func (s snapshot) Groups() []vrrp.GroupStatus        { return s.groups }
func (s snapshot) Links() []event.Link               { return s.links }
func (s snapshot) Stats(name string) *stats.Counters { return s.stats[name] }
func (s snapshot) Unknown() *stats.Counters          { return s.unknown }

// countedFrom counts the n-th counter from+n times.
func countedFrom(from int) *stats.Counters {
	s := &stats.Counters{}
	for c := range stats.All {
		for range int(c) + from {
			s.Add(c)
		}
	}
	return s
}

func pulled() snapshot {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	lost := began.Add(90*time.Second + 125*time.Millisecond)
	inside := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "inside", Group: "edge", Interface: "eth0", VRID: 51, Family: event.IPv4},
			Priority: 150,
		},
		InstanceState: vrrp.InstanceState{State: event.Fault, Since: lost, EffectivePriority: 140},
		Faults:        []vrrp.FaultStatus{{Source: "eth0", Reason: event.InterfaceDown, Since: lost}},
	}
	outside := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "outside", Group: "edge", Interface: "eth1", VRID: 51, Family: event.IPv6},
			Priority: 150,
		},
		InstanceState: vrrp.InstanceState{State: event.Fault, Since: lost, EffectivePriority: 140},
	}
	dmz := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "dmz", Interface: "eth2", VRID: 7, Family: event.IPv4},
			Priority: vrrp.Owner,
		},
		InstanceState: vrrp.InstanceState{State: event.Active, Since: began, EffectivePriority: vrrp.Owner},
	}
	return snapshot{
		groups: []vrrp.GroupStatus{
			{Name: "edge", State: event.Fault, Members: []vrrp.InstanceStatus{inside, outside}},
			{State: event.Active, Members: []vrrp.InstanceStatus{dmz}},
		},
		links: []event.Link{
			{Name: "eth0", Index: 2, AdminUp: true, Monitor: "mii", UpCount: 1, DownCount: 2, LastChange: lost,
				Poll: 2500 * time.Millisecond, Stretched: true},
			{Name: "eth1", Index: 3, AdminUp: true, Carrier: true, Usable: true, Monitor: "netlink", UpCount: 1, LastChange: began, Confirm: 10 * time.Millisecond},
			{Name: "eth2"}, // there is no such interface
		},
		stats:   map[string]*stats.Counters{"inside": countedFrom(1), "outside": {}, "dmz": countedFrom(100)},
		unknown: countedFrom(1000),
	}
}

// measured returns metrics of the source, with something in each histogram.
func measured(source Source) (*Metrics, *bus.Topic[event.Event]) {
	topic := &bus.Topic[event.Event]{}
	m := NewMetrics(MetricsConfig{
		Version: "0.1.0", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Source: source,
		Settings: func(string) link.Settings { return link.Settings{Confirm: 10 * time.Millisecond, Poll: time.Second} },
		Events:   topic, LinesLost: func() uint64 { return 17 }, FIFOLinesLost: func() uint64 { return 18 },
	})
	for _, late := range []time.Duration{0, 100 * time.Microsecond, 101 * time.Microsecond, 40 * time.Millisecond, 3 * time.Second} {
		m.AdvertLate(late)
	}
	return m, topic
}

// text returns ripcord's own metrics of a scrape, which are the last ones.
func text(t *testing.T, m *Metrics) string {
	t.Helper()
	var body strings.Builder
	out := bufio.NewWriter(&body)
	m.expose(out, nil)
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	all := body.String()
	return all[strings.Index(all, "# HELP ripcord_"):]
}

func answer(t *testing.T, h http.Handler, query string) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics"+query, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

// TestExposition compares all of ripcord's own metrics with a golden file.
func TestExposition(t *testing.T) {
	m, _ := measured(pulled())
	got := strings.ReplaceAll(text(t, m), runtime.Version(), "GO")
	golden.Check(t, filepath.Join("testdata", "metrics.txt"), got)
}

// TestLint requires that Prometheus' own linter finds nothing, and that no series comes twice.
func TestLint(t *testing.T) {
	m, _ := measured(pulled())
	page := answer(t, m.Handler(), "")
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(page) {
		series := line[:strings.LastIndexByte(line, ' ')]
		if seen[series] {
			t.Errorf("twice: %s", series)
		}
		seen[series] = true
	}
}

// TestEveryCounter requires that each counter of an instance is in the scrape, once.
func TestEveryCounter(t *testing.T) {
	counters := &stats.Counters{}
	want := map[string]bool{}
	for c, d := range stats.All {
		if !d.Daemon {
			n := 1000 + uint64(c)
			counters.AddN(c, n)
			want[fmt.Sprint(n)] = true
		}
	}
	source := pulled()
	source.stats["inside"] = counters
	m, _ := measured(source)
	for line := range strings.Lines(answer(t, m.Handler(), "")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if strings.HasPrefix(series, "ripcord_instance_") && strings.Contains(series, `instance="inside"`) && value >= "1000" && len(value) == 4 {
			if !want[value] {
				t.Errorf("%s: twice in the scrape, or not a counter", line)
			}
			delete(want, value)
		}
	}
	for value := range want {
		t.Errorf("the counter with the value %s is in no metric", value)
	}
}

// TestScrape requires the metrics of process and runtime, too, and that a daemon without any data
// is scraped without an error.
func TestScrape(t *testing.T) {
	m, _ := measured(snapshot{unknown: &stats.Counters{}})
	body := answer(t, m.Handler(), "")
	for _, want := range []string{"\nripcord_build_info{", "\ngo_goroutines ", "\nprocess_resident_memory_bytes "} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

// TestAdvertLateAllocatesNothing: AdvertLate is called on the time-critical path.
func TestAdvertLateAllocatesNothing(t *testing.T) {
	m, _ := measured(pulled())
	if n := testing.AllocsPerRun(1000, func() { m.AdvertLate(3 * time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdvertLate(b *testing.B) {
	var h histogram
	b.ReportAllocs()
	for b.Loop() {
		h.Observe(3 * time.Millisecond)
	}
}

// TestCountsEvents requires that counts that no other part has are made from the events.
func TestCountsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, topic := measured(pulled())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()

		cause := event.Cause{Trace: 1, At: time.Now()}
		after := func(d time.Duration) event.Stamp { return event.Stamp{Cause: cause, At: cause.At.Add(d)} }
		for _, e := range []event.Event{
			event.InstanceTransition{Stamp: after(300 * time.Microsecond), From: event.Active, To: event.Fault, Reason: event.InterfaceDown},
			event.InstanceTransition{Stamp: after(300 * time.Microsecond), From: event.Active, To: event.Fault, Reason: event.GroupMoved},
			event.InstanceTransition{Stamp: after(time.Second), From: event.Backup, To: event.Active, Reason: event.ActiveTimeout},
			event.LinkResync{Reason: "overrun", Differences: 3},
			event.LinkResync{Reason: "audit"},
			event.LinkResync{Reason: "audit", Differences: 1},
			event.EngineStalled{}, event.EngineLease{}, event.EngineLease{},
			event.NotifyRan{Result: event.NotifyDone}, event.NotifyRan{Result: event.NotifyUnrun, Merged: 3}, event.NotifyRan{Result: event.NotifyDone, Merged: 2},
		} {
			topic.Publish(e)
		}
		synctest.Wait()
		got := text(t, m)
		for _, want := range []string{
			`link_reaction_seconds_bucket{le="0.00025"} 0`, `link_reaction_seconds_bucket{le="0.0005"} 1`,
			`link_reaction_seconds_count 1`, `link_reaction_seconds_sum 0.0003`,
			`link_resyncs_total{reason="overrun"} 1`, `link_resyncs_total{reason="audit"} 2`,
			`notify_runs_total{result="done"} 2`, `notify_runs_total{result="unrun"} 1`, `notify_runs_total{result="killed"} 0`, `notify_merged_total 5`,
			`link_resync_differences_total 4`, `engine_stalls_total 1`, `engine_lease_losses_total 2`,
		} {
			if !strings.Contains(got, "\nripcord_"+want+"\n") {
				t.Errorf("no ripcord_%s", want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestLinesLost requires that dropped lines are counted while the writer is stuck, and stay counted
// after they were reported.
func TestLinesLost(t *testing.T) {
	var topic bus.Topic[event.Event]
	l := NewLog(&topic, NewLogger(io.Discard, event.Info))
	for i := range backlog + 5 {
		topic.Publish(numbered(i))
	}
	if n := l.Lost(); n != 5 {
		t.Errorf("before anything was written %d are lost, want 5", n)
	}
	l.drain()
	refusing := &Logger{core: NewLogger(refuser{}, event.Info).core}
	refusing.Write(numbered(1))
	refusing.Write(numbered(2))
	l.logger = refusing
	if n := l.Lost(); n != 7 {
		t.Errorf("with two lines that the writer refused %d are lost, want 7", n)
	}
}

type refuser struct{}

func (refuser) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestPageNamesMetrics requires that every metric in docs/metrics.md exists.
func TestPageNamesMetrics(t *testing.T) { named(t, filepath.Join("..", "..", "docs", "metrics.md")) }

var metricName = regexp.MustCompile(`\bripcord_[a-z_]+[a-z]`)

// named checks the metrics that a file names, and returns its text.
func named(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := measured(pulled())
	exposed := text(t, m)
	found := metricName.FindAllString(string(content), -1)
	for _, name := range found {
		if !strings.Contains(exposed, "\n"+name+"{") && !strings.Contains(exposed, "\n"+name+" ") {
			t.Errorf("%s names %s, which does not exist", file, name)
		}
	}
	if len(found) == 0 {
		t.Errorf("%s names no metric", file)
	}
	return string(content)
}
