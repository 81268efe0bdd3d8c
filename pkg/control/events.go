package control

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// EventsPath is the path of the newest lines of the log, and of those that follow.
const EventsPath = "/v1/events"

// Events are the newest lines of the log, with consecutive numbers. Its methods are called from
// several goroutines; their results are not modified.
type Events interface {
	// Since returns the number of the first line that was written at t or later.
	Since(t time.Time) uint64
	// From returns at most limit lines from number n on, and the number of the first of them, which
	// is greater than n if older ones are gone; more is closed when further lines come.
	From(n uint64, limit int) (first uint64, lines [][]byte, more <-chan struct{})
}

// batch is the number of lines that are sent at once, and the number kept for a client that reads
// slowly.
const batch = 256

// events serves lines of the log: all that are kept, or those since a time, and with follow later
// ones as they are written, until the client goes or the daemon has stopped.
func (c Config) events() http.HandlerFunc {
	if c.Events == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		wanted, err := eventsQuery(r.URL.Query(), time.Now())
		if err != nil {
			fail(w, http.StatusBadRequest, "%v", err)
			return
		}
		follow := wanted.follow && r.Method == http.MethodGet
		client := http.NewResponseController(w)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Cache-Control", "no-store")
		next := wanted.first(c.Events)
		stopping := c.stopping
		var quiet, end <-chan time.Time // set when the daemon stops
		for {
			first, lines, more := c.Events.From(next, batch)
			_ = client.SetWriteDeadline(time.Now().Add(writeTimeout))
			if first > next {
				_, _ = w.Write(missed(first - next))
			}
			for _, line := range lines {
				_, _ = w.Write(line) // Flush returns the error
			}
			next = first + uint64(len(lines))
			if client.Flush() != nil {
				return // the client is gone, or does not read
			}
			switch {
			case len(lines) == batch:
				continue
			case !follow:
				return
			}
			if end != nil {
				quiet = time.After(partingQuiet)
			}
			select {
			case <-more:
			case <-stopping:
				stopping, end = nil, time.After(partingLines)
			case <-quiet:
				return
			case <-end:
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}

// missed returns a line, in the log's format, that replaces those that a client was too slow to
// read.
func missed(count uint64) []byte {
	const text = "{\"ts\":%q,\"level\":\"warn\",\"event\":\"log.lost\",\"msg\":\"%d events are missing here: they came faster than they were read\",\"count\":%d,\"reason\":\"they came faster than they were read\"}\n"
	return fmt.Appendf(nil, text, time.Now().UTC().Format(time.RFC3339Nano), count, count)
}

// eventsWanted are the parameters of a request for lines.
type eventsWanted struct {
	since  time.Time // zero: all that are kept
	last   uint64    // the greatest number of existing lines; 0: all
	follow bool
}

// eventsQuery parses since, last and follow.
func eventsQuery(values url.Values, now time.Time) (e eventsWanted, err error) {
	q := query{values, nil}
	e.follow, e.last = q.flag("follow", false), q.number("last")
	if text := values.Get("since"); text != "" {
		if e.since, err = ParseSince(text, now); err != nil {
			q.fail("since %v", err)
		}
	}
	return e, q.end("since", "last", "follow")
}

// ParseSince parses a time: a Go duration before now, or an instant by RFC 3339.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fmt.Errorf("%q is neither a duration, as 10m, nor a time, as 2026-03-01T12:00:00Z", text)
	}
	return t, nil
}

// first returns the number of the first requested line.
func (e eventsWanted) first(of Events) uint64 {
	n := of.Since(e.since)
	if e.last > 0 {
		n = max(n, newest(of)-min(e.last, newest(of)))
	}
	return n
}

// newest returns the number that the next line will have.
func newest(e Events) uint64 { return e.Since(time.Unix(1<<40, 0)) }
