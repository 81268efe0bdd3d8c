package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// told is a line of a router's log, as long after the act as it was written.
type told struct {
	router string
	after  time.Duration
	event  string
	msg    string
}

// since reads what the router logged that is new.
func (r *demoRouter) since(name string, began time.Time) ([]told, error) {
	text, err := io.ReadAll(io.NewSectionReader(r.log, r.read, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", name, err)
	}
	r.read += int64(len(text))
	var lines []told
	for line := range bytes.Lines(text) {
		var entry struct {
			TS    time.Time `json:"ts"`
			Event string    `json:"event"`
			Msg   string    `json:"msg"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("%s wrote what is no log line: %s", name, line)
		}
		// The log has the wall clock only.
		lines = append(lines, told{name, entry.TS.Sub(began.Round(0)), entry.Event, entry.Msg})
	}
	return lines, nil
}

// interesting are the events that tell the story of a failover.
var interesting = []string{
	"link.down", "link.up", "group.transition", "advert.sent", "address.added", "address.removed",
}

// renderDemo writes what happened, as two tables.
func renderDemo(w io.Writer, scenes []scene, look look) error {
	var b bytes.Buffer
	events := table{words("ms", "router", "event", "what")}
	served := table{words("what was done", "served by", "inside after", "outside after")}
	for _, sc := range scenes {
		served = append(served, []cell{
			{text: sc.title}, {sc.server, green}, {text: millis(sc.outage["inside"])}, {text: millis(sc.outage["outside"])},
		})
		events = append(events, []cell{{}, {}, {}, {sc.title, yellow}})
		slices.SortStableFunc(sc.told, func(a, b told) int { return int(a.after - b.after) })
		for _, t := range sc.told {
			if slices.Contains(interesting, t.event) {
				events = append(events, words(fmt.Sprintf("%.1f", ms(t.after)), t.router, t.event, t.msg))
			}
		}
	}
	events.write(&b, look)
	b.WriteByte('\n')
	served.write(&b, look)
	b.WriteString("\nThe client asked by ARP every 2 ms who has the address. Everything has been removed.\n")
	_, err := w.Write(b.Bytes())
	return err
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", ms(d)) }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
