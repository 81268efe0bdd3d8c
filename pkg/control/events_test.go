package control

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// kept is a log of lines, one a second, of which the oldest may be gone.
type kept struct {
	mu    sync.Mutex
	first uint64
	lines [][]byte
	more  chan struct{}
}

func newKept(lines ...string) *kept {
	k := &kept{more: make(chan struct{})}
	for _, l := range lines {
		k.write(l)
	}
	return k
}

func (k *kept) write(line string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, []byte(line+"\n"))
	close(k.more)
	k.more = make(chan struct{})
}

func (k *kept) forget(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.first, k.lines = k.first+uint64(n), k.lines[n:]
}

func (k *kept) Since(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return min(uint64(max(0, t.Sub(began)/time.Second)), k.first+uint64(len(k.lines)))
}

func (k *kept) From(n uint64, most int) (uint64, [][]byte, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	first := min(max(n, k.first), k.first+uint64(len(k.lines)))
	lines := k.lines[first-k.first:]
	return first, lines[:min(len(lines), most)], k.more
}

// TestEventsQuery tests valid parameters, and the answers to all others.
func TestEventsQuery(t *testing.T) {
	k := newKept("0", "1", "2")
	for query, want := range map[string]string{
		"": "200 0\n1\n2\n", "?follow=0": "200 0\n1\n2\n", "?since=2026-03-01T12:00:02Z": "200 2\n", "?since=2026-03-01T14:00:01.5%2B02:00": "200 1\n2\n",
		"?since=2030-01-01T00:00:00Z": "200 ",
		"?since=yesterday":            `400 {"error":"since \"yesterday\" is neither a duration, as 10m, nor a time, as 2026-03-01T12:00:00Z"}` + "\n",
		"?follow=yes":                 `400 {"error":"follow \"yes\" is neither 0 nor 1"}` + "\n",
		"?folow=1":                    `400 {"error":"there is no parameter \"folow\": there are since, last and follow"}` + "\n",
		"?last=2":                     "200 1\n2\n", "?last=9": "200 0\n1\n2\n", "?last=2&since=2026-03-01T12:00:02Z": "200 2\n",
		"?last=-1": `400 {"error":"last \"-1\" is not a number above 0"}` + "\n",
	} {
		w := httptest.NewRecorder()
		handler(Config{Source: router{}, Events: k}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, EventsPath+query, nil))
		if got := fmt.Sprint(w.Code, " ", w.Body); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	now := time.Now()
	if e, err := eventsQuery(url.Values{"since": {"10m"}, "follow": {"1"}}, now); !e.since.Equal(now.Add(-10*time.Minute)) || !e.follow || err != nil {
		t.Errorf("10m is %+v, %v", e, err)
	}
}

// TestManyEvents requires that more lines than a batch come in order, each once.
func TestManyEvents(t *testing.T) {
	k := newKept()
	var want strings.Builder
	for i := range 3*batch + 7 {
		k.write(fmt.Sprint(i))
		fmt.Fprintln(&want, i)
	}
	w := httptest.NewRecorder()
	handler(Config{Source: router{}, Events: k}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, EventsPath, nil))
	if w.Body.String() != want.String() {
		t.Errorf("%d bytes, want %d", w.Body.Len(), want.Len())
	}
}

// followed starts a server with one line; it returns its log, the lines that a client follows, and
// a function that stops the server.
func followed(t *testing.T) (k *kept, lines io.ReadCloser, stop func() error) {
	t.Helper()
	socket := filepath.Join(shortDir(t), "s")
	k = newKept("0")
	stop = run(t, listening(t, Config{Socket: socket, Events: k}))
	lines, err := ReadEvents(t.Context(), socket, time.Time{}, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lines.Close() })
	return k, lines, stop
}

// TestFollow requires that a follower gets each line as it is written, beyond the time limit of a
// request, also those about the stop of the daemon, and that it is disconnected when no more come.
func TestFollow(t *testing.T) {
	k, lines, stop := followed(t)
	read := bufio.NewReader(lines)
	next := func(want string) {
		t.Helper()
		got, err := read.ReadString('\n')
		if err != nil || strings.TrimSpace(got) != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	next("0")
	k.write("1")
	next("1")
	time.Sleep(readTimeout + 500*time.Millisecond) // the read timeout ends no answer
	k.write("2")
	next("2")

	begun := time.Now()
	for i := range 2 { // as when the router resigns, and then an address is removed
		time.AfterFunc(time.Duration(i+1)*100*time.Millisecond, func() { k.write(fmt.Sprint("stop ", i)) })
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	next("stop 0")
	next("stop 1")
	if took := time.Since(begun); took > partingTime {
		t.Errorf("the stop took %v", took)
	}
	if got, err := read.ReadString('\n'); err != io.EOF || got != "" {
		t.Errorf("after the stop: %q, %v", got, err)
	}
}

// TestFollowEnds requires that lines without end do not delay the stop.
func TestFollowEnds(t *testing.T) {
	k, lines, stop := followed(t)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				k.write("more")
			}
		}
	}()
	time.AfterFunc(2*partingTime, func() { close(done) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(lines); err != nil || !strings.HasSuffix(string(text), "more\n") {
		t.Errorf("the stream ends with %v", err)
	}
	<-done
}

// TestLostEvents requires a log.lost in place of lines that are not kept any more.
func TestLostEvents(t *testing.T) {
	k := newKept("0", "1", "2", "3")
	k.forget(3)
	w := httptest.NewRecorder()
	handler(Config{Source: router{}, Events: k}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, EventsPath+"?since=2026-03-01T12:00:01Z", nil))
	lost, rest, _ := strings.Cut(w.Body.String(), "\n")
	var line struct {
		Event, Level, Msg string
		Count             int
		TS                time.Time
	}
	if err := json.Unmarshal([]byte(lost), &line); err != nil || line.Event != "log.lost" || line.Count != 2 || line.Level != "warn" || line.TS.IsZero() || rest != "3\n" {
		t.Errorf("%v: %+v, then %q", err, line, rest)
	}
}

// TestEventsOnThePort requires that the read-only port serves them, and that HEAD does not wait for
// more.
func TestEventsOnThePort(t *testing.T) {
	server := httptest.NewServer(reader(Config{Source: router{}, Events: newKept("0")}))
	defer server.Close()
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Head(server.URL + EventsPath + "?follow=1")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	response, err = client.Get(server.URL + EventsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); string(text) != "0\n" || err != nil || response.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%q, %v, %v", text, err, response.Header)
	}
}

// TestFollowersKeepNobodyOut requires that followers that never read displace one another, and no
// other clients, and that nothing is kept for them beyond the socket's buffer.
func TestFollowersKeepNobodyOut(t *testing.T) {
	socket := filepath.Join(shortDir(t), "s")
	k := newKept()
	for range 4 * batch {
		k.write(strings.Repeat("x", 4096)) // more than the socket takes
	}
	stop := run(t, listening(t, Config{Socket: socket, Events: k, Connections: 4}))
	for range 20 {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET "+EventsPath+"?follow=1 HTTP/1.1\r\nHost: r\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := Fetch(t.Context(), socket); err != nil || time.Since(begun) > 2*time.Second {
			t.Fatalf("the status took %v: %v", time.Since(begun), err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
