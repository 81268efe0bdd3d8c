package control

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/stats"
	"ripcord/test/golden"
)

func document(t *testing.T, source Source) string {
	t.Helper()
	h := handler(Config{Version: "0.1.0", Host: "gw1", Since: began, Source: source})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, StatusPath, nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d, %v: %s", w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

// TestDocument compares the status document with a golden file, including names and order.
func TestDocument(t *testing.T) {
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(document(t, pulled())), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "status.json"), got.String())
}

// TestEmptyDocument requires that no list is ever null.
func TestEmptyDocument(t *testing.T) {
	want := `{"version":"0.1.0","host":"gw1","since":"2026-03-01T12:00:00Z","instances":[],"groups":[],"links":[],"checks":[],"runner":{"ready":true,"pid":77,"since":"2026-03-01T12:00:00Z","lost":0,"error":""}}` + "\n"
	if got := document(t, router{}); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestStatistics requires that every counter is in the document, under its own name. The fake
// counted each a different number of times.
func TestStatistics(t *testing.T) {
	source := pulled()
	body, err := json.Marshal(statistics(source.stats["inside"]))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for counter := range stats.All {
		count := source.stats["inside"].Get(counter)
		if counter == stats.FloodDrops {
			continue // it belongs to the whole router, not to an instance
		}
		if got[counter.String()] != float64(count) {
			t.Errorf("%s is %v, want %d", counter, got[counter.String()], count)
		}
		delete(got, counter.String())
	}
	if got["discontinuity_datetime"] != "2026-03-01T12:00:00Z" || len(got) != 1 {
		t.Errorf("beside the counters there is %v", got)
	}
}

// TestDocumentIsACopy requires that changes of the document do not reach the source.
func TestDocumentIsACopy(t *testing.T) {
	source := pulled()
	s := Config{Source: source}.status(true)
	s.Instances[0].Addresses[0] = s.Instances[0].Addresses[1]
	*s.Instances[0].ActiveAddress = s.Instances[0].Addresses[1]
	if diff := cmp.Diff(document(t, pulled()), document(t, source)); diff != "" {
		t.Error(diff)
	}
}

func TestOtherRequests(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		allow, text  string
	}{
		{"GET", "/v1/statu", 404, "", "there is no /v1/statu: the status is at /v1/status, the log at /v1/events, the metrics are at /metrics, and a page for people is at /"},
		{"GET", "/v1/status/", 404, "", "there is no /v1/status/: the status is at /v1/status, the log at /v1/events, the metrics are at /metrics, and a page for people is at /"},
		{"POST", "/v1/status", 405, "GET", "POST /v1/status is not possible: use GET"},
		{"GET", "/v1/release", 405, "POST", "GET /v1/release is not possible: use POST"},
		{"DELETE", "/", 405, "GET", "DELETE / is not possible: use GET"},
		{"GET", "/v1/events", 501, "", "GET /v1/events is not supported yet by this version of ripcord"},
		{"POST", "/v1/release", 501, "", "POST /v1/release is not supported yet by this version of ripcord"},
		{"POST", "/v1/resume", 501, "", "POST /v1/resume is not supported yet by this version of ripcord"},
		{"POST", "/v1/reload", 501, "", "POST /v1/reload is not supported yet by this version of ripcord"},
		{"GET", "/metrics", 501, "", "GET /metrics is not supported yet by this version of ripcord"},
		{"GET", "/v1/stories", 501, "", "GET /v1/stories is not supported yet by this version of ripcord"},
		{"GET", "/v1/status?statistic=0", 400, "", `there is no parameter "statistic": there is statistics`},
		{"GET", "/v1/status?statistics=x", 400, "", `statistics "x" is neither 0 nor 1`},
	} {
		w := httptest.NewRecorder()
		handler(Config{Source: router{}}).ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		var answer Error
		if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || answer.Error != c.text {
			t.Errorf("%s %s: %v, error %q, want %q", c.method, c.path, err, answer.Error, c.text)
		}
	}
}

// TestHead requires the headers of GET without its body.
func TestHead(t *testing.T) {
	server := httptest.NewServer(handler(Config{Source: router{}}))
	defer server.Close()
	response, err := http.Head(server.URL + StatusPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK || err != nil || len(body) != 0 {
		t.Errorf("%s, %v, %q", response.Status, err, body)
	}
}

// TestRoundTrip requires that the client reads what the server wrote.
func TestRoundTrip(t *testing.T) {
	want := Config{Version: "0.1.0", Since: began, Source: pulled()}.status(true)
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Status
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(body), string(again)); diff != "" {
		t.Error(diff)
	}
}
