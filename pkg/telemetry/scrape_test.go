package telemetry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// thousand is a source of a thousand instances, each in fault.
func thousand() snapshot {
	source := pulled()
	member := source.groups[0].Members[0]
	source.groups = nil
	for i := range 1000 {
		in := *member.Instance
		in.Virtual.Instance = fmt.Sprintf("i%03d", i)
		member.Instance = &in
		source.groups = append(source.groups, vrrp.GroupStatus{State: event.Fault, Members: []vrrp.InstanceStatus{member}})
		source.stats[in.Virtual.Instance] = countedFrom(i)
	}
	return source
}

// client is one that keeps nothing of an answer. Where it has a gate, it reads no
// more until that is closed.
type client struct {
	header http.Header
	gate   chan struct{}
	status int
	bytes  int
}

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(s int)   { c.status = s }
func (c *client) Write(b []byte) (int, error) {
	if c.gate != nil {
		<-c.gate
	}
	c.bytes += len(b)
	return len(b), nil
}

// TestScrapeGarbage: a router is scraped for all its life, and has no memory to
// spare: of the 4 MiB that a thousand instances are told in, nothing is kept.
func TestScrapeGarbage(t *testing.T) {
	const most = 2 << 20
	m, _ := measured(thousand())
	handler, request := m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	handler.ServeHTTP(&client{header: http.Header{}}, request)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 4
	for range times {
		c := &client{header: http.Header{}}
		handler.ServeHTTP(c, request)
		if c.bytes < most {
			t.Fatalf("%d bytes were answered, want more than may be allocated", c.bytes)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > most {
		t.Errorf("a scrape of 1,000 instances allocates %d bytes, want at most %d", each, most)
	}
}

// TestForeignNames: whatever a link is called, Prometheus reads its name.
func TestForeignNames(t *testing.T) {
	for _, name := range []string{`a"b`, `a\b`, `a\n`, "a\nb", `"}`, "ä,{=", ""} {
		source := pulled()
		source.links = []event.Link{{Name: name}}
		m, _ := measured(source)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text(t, m)))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		usable := families["ripcord_link_usable"].GetMetric()
		if len(usable) != 1 || usable[0].GetLabel()[0].GetValue() != name {
			t.Errorf("%q is read as %v", name, usable)
		}
	}
}

// TestWanted: name[] asks for some metrics only, as of any Prometheus exporter.
func TestWanted(t *testing.T) {
	m, _ := measured(pulled())
	body := answer(t, m.Handler(), "?name[]=ripcord_link_usable&name[]=go_goroutines")
	if got := strings.Count(body, "# TYPE "); got != 2 ||
		!strings.Contains(body, "\nripcord_link_usable{") || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("two metrics are asked for, %d are told:\n%s", got, body)
	}
}

// TestScrapesAtOnce: while two clients are slow to read, a third is refused; then
// it is not.
func TestScrapesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := measured(pulled())
		handler, request := m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
		gate := make(chan struct{})
		for range scrapes {
			go handler.ServeHTTP(&client{header: http.Header{}, gate: gate}, request)
		}
		synctest.Wait()
		third := httptest.NewRecorder()
		handler.ServeHTTP(third, request)
		if third.Code != http.StatusServiceUnavailable {
			t.Errorf("the third is answered %d, want %d", third.Code, http.StatusServiceUnavailable)
		}
		close(gate)
		synctest.Wait()
		answer(t, handler, "")
	})
}

// BenchmarkScrape is what a scrape of a thousand instances takes from the adverts.
// It is written in the goroutine of the HTTP request, from snapshots and atomics:
// nobody waits for it.
func BenchmarkScrape(b *testing.B) {
	m, _ := measured(thousand())
	handler, request := m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		c := &client{header: http.Header{}}
		handler.ServeHTTP(c, request)
		b.ReportMetric(float64(c.bytes)/(1<<20), "MiB")
	}
}
