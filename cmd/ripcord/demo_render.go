package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// logLine is a line of a router's log; after is the time from the act to the line.
type logLine struct {
	router string
	after  time.Duration
	event  string
	msg    string
}

// since returns the lines that the router has logged since the last call.
func (r *demoRouter) since(name string, began time.Time) ([]logLine, error) {
	text, err := io.ReadAll(io.NewSectionReader(r.log, r.read, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", name, err)
	}
	r.read += int64(len(text))
	var lines []logLine
	for line := range bytes.Lines(text) {
		var entry struct {
			TS    time.Time `json:"ts"`
			Event string    `json:"event"`
			Msg   string    `json:"msg"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("the log of %s has a line that is no JSON object: %s", name, line)
		}
		// The log has only the wall clock.
		lines = append(lines, logLine{name, entry.TS.Sub(began.Round(0)), entry.Event, entry.Msg})
	}
	return lines, nil
}

// interesting lists the events of a failover that the demo shows.
var interesting = []string{
	"link.down", "link.up", "group.transition", "advert.sent", "address.added", "address.removed",
}

// renderDemo writes two tables: the events of each act, and for each segment how long nobody served
// it.
func renderDemo(w io.Writer, scenes []scene, look look) error {
	var b bytes.Buffer
	events := table{words("ms", "router", "event", "what")}
	served := table{words("served by", "inside after", "outside after", "what was done")} // the longest column comes last, so that it is wrapped
	for _, sc := range scenes {
		served = append(served, []cell{
			{text: sc.server, colour: green}, {text: millis(sc.outage["inside"])}, {text: millis(sc.outage["outside"])}, {text: sc.title},
		})
		events = append(events, []cell{{}, {}, {}, {text: sc.title, colour: yellow}})
		slices.SortStableFunc(sc.lines, func(a, b logLine) int { return int(a.after - b.after) })
		for _, t := range sc.lines {
			if slices.Contains(interesting, t.event) {
				events = append(events, words(fmt.Sprintf("%.1f", ms(t.after)), t.router, t.event, t.msg))
			}
		}
	}
	events.write(&b, look)
	b.WriteByte('\n')
	served.write(&b, look)
	b.WriteString("\nThe client asked by ARP every 2 ms who has the address.\nEverything has been removed.\n")
	_, err := w.Write(b.Bytes())
	return err
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", ms(d)) }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
