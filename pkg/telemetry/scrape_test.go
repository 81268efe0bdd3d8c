package telemetry

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		in.Name = fmt.Sprintf("i%03d", i)
		member.Instance = &in
		source.groups = append(source.groups, vrrp.GroupStatus{State: event.Fault, Members: []vrrp.InstanceStatus{member}})
		source.stats[in.Name] = countedFrom(i)
	}
	return source
}

// client is an HTTP client that keeps nothing of an answer.
type client struct {
	header http.Header
	status int
	bytes  int
}

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(s int)   { c.status = s }
func (c *client) Write(b []byte) (int, error) {
	c.bytes += len(b)
	return len(b), nil
}

// TestScrapeGarbage: a router is scraped for all its life, and has no memory to spare: nothing of
// the 4 MiB about a thousand instances is kept.
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

// TestForeignNames requires that Prometheus reads the name of a link, whatever it is.
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

// TestWanted: name[] requests some metrics only, as in any Prometheus exporter.
func TestWanted(t *testing.T) {
	m, _ := measured(pulled())
	body := answer(t, m.Handler(), "?name[]=ripcord_link_usable&name[]=go_goroutines")
	if got := strings.Count(body, "# TYPE "); got != 2 ||
		!strings.Contains(body, "\nripcord_link_usable{") || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("two metrics are requested, %d are returned:\n%s", got, body)
	}
}

// stuck is a source that does not answer until its gate is closed.
type stuck struct {
	snapshot
	gate chan struct{}
}

func (s stuck) Groups() []vrrp.GroupStatus {
	<-s.gate
	return s.snapshot.Groups()
}

// TestScrapesAtOnce: while two scrapes are being written into memory, a third one waits, and is
// refused if that takes too long; a later one is not.
func TestScrapesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		m, _ := measured(stuck{pulled(), gate})
		handler, request := m.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
		for range scrapes {
			go handler.ServeHTTP(&client{header: http.Header{}}, request)
		}
		synctest.Wait()
		third := httptest.NewRecorder()
		begun := time.Now()
		handler.ServeHTTP(third, request)
		if third.Code != http.StatusServiceUnavailable || time.Since(begun) != scrapeWait {
			t.Errorf("the third scrape is answered %d after %v, want %d", third.Code, time.Since(begun), http.StatusServiceUnavailable)
		}
		close(gate)
		synctest.Wait()
		answer(t, handler, "")
	})
}

// TestSlowClients requires that clients that do not read delay no other client, and that the memory
// of their answers is limited.
func TestSlowClients(t *testing.T) {
	m, _ := measured(thousand())
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	for range 12 { // of 4 MiB each
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /metrics HTTP/1.1\r\nHost: r\r\n\r\n")
		// The client's answer has begun, and is older than those of the clients below.
		if _, err := io.ReadFull(c, make([]byte, len("HTTP/1.1 200"))); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		response, err := http.Get(server.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "ripcord_instance_state") {
			t.Errorf("%s, %v, %d bytes", response.Status, err, len(body))
		}
	}
}

// TestUnreadAnswers requires that when the limit is exceeded, the oldest answers are aborted, and
// never the only one.
func TestUnreadAnswers(t *testing.T) {
	a, broken := new(answers), ""
	of := func(name string, size int) *sending { return &sending{size, func() { broken += name }} }
	first, second := of("1", maxUnread/2), of("2", maxUnread/2)
	a.add(first)
	a.add(second)
	if broken != "" {
		t.Errorf("%q were aborted", broken)
	}
	a.add(of("3", 1))
	if broken != "1" {
		t.Errorf("%q were aborted, want the first", broken)
	}
	a.remove(first)
	a.add(of("4", 2*maxUnread))
	if broken != "123" {
		t.Errorf("%q were aborted, want all but the last", broken)
	}
}

// BenchmarkScrape measures the processor time of a scrape of a thousand instances. It is written in
// the goroutine of the HTTP request, from snapshots and atomics: no other goroutine waits for it.
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

// TestReaderIsNotBrokenOff: of two answers, the one whose client reads stays, although it is the
// older one.
func TestReaderIsNotBrokenOff(t *testing.T) {
	a, broken := new(answers), ""
	of := func(name string, size int) *sending { return &sending{size, func() { broken += name }} }
	reading := of("reading", maxUnread/2)
	a.add(reading)
	a.add(of("idle", maxUnread/2))
	a.progress(reading)
	if a.add(of("new", 1)); broken != "idle" {
		t.Errorf("aborted: %q", broken)
	}
}
