package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/control"
)

// The status is shown every watchPeriod, and a change is marked for markedFor.
const (
	watchPeriod = time.Second
	markedFor   = 10 * time.Second
)

// watchStatus shows the status repeatedly until ctx ends. On a terminal it redraws the page in
// place and marks what changed. If the daemon stops answering, it waits for it.
func watchStatus(ctx context.Context, out io.Writer, asJSON bool, fetch func() (*control.Status, error)) error {
	s, err := fetch()
	if err != nil {
		return err
	}
	shown, tick := newStatusWatch(out, asJSON), time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		if err == nil {
			err = shown.status(s, time.Now())
		} else {
			err = shown.unreachable(err)
		}
		if o, ok := out.(*output); err != nil || ok && o.failed() != nil {
			return nil // execute prints why nothing could be written
		}
		select {
		case <-tick.C:
			s, err = fetch()
		case <-ctx.Done():
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// statusWatch shows a status repeatedly.
type statusWatch struct {
	out        io.Writer
	asJSON     bool
	look       look
	rows       int // rows of the terminal; 0: there is none, and nothing is redrawn in place
	marks      marks
	last       *control.Status
	complained string
}

func newStatusWatch(out io.Writer, asJSON bool) *statusWatch {
	return &statusWatch{out: out, asJSON: asJSON, look: lookOf(out)}
}

// status shows a status.
func (w *statusWatch) status(s *control.Status, now time.Time) error {
	w.last, w.complained = s, ""
	if w.asJSON {
		return json.NewEncoder(w.out).Encode(s)
	}
	p := statusPage(s, now)
	w.marks.mark(&p, now)
	return w.show(p)
}

// unreachable shows that the daemon does not answer, and its last answer.
func (w *statusWatch) unreachable(why error) error {
	text := why.Error()
	shown := text == w.complained
	w.complained = text
	switch {
	case shown && (w.asJSON || w.rows == 0):
		return nil
	case w.asJSON:
		return json.NewEncoder(w.out).Encode(control.Error{Error: text})
	case w.rows == 0:
		_, err := fmt.Fprintln(w.out, text)
		return err
	}
	p := statusPage(w.last, time.Now())
	p.blocks = append([]block{{notes: []note{{text: text + "; this was its last answer:", colour: red}}}}, p.blocks...)
	return w.show(p)
}

// Control sequences that move the cursor of a terminal and clear it (ECMA-48).
const (
	toTop     = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// show writes a page. On a terminal it overwrites the last page and cuts the new one to the rows
// that there are.
func (w *statusWatch) show(p page) error {
	if columns, rows, ok := terminal(w.out); ok && rows > 1 {
		w.rows, w.look.width = rows, max(columns, minWidth)
	}
	var b bytes.Buffer
	if err := p.write(&b, w.look); err != nil {
		return err
	}
	if w.rows == 0 {
		_, err := fmt.Fprintln(w.out, b.String())
		return err
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if most := w.rows - 1; len(lines) > most {
		lines = append(lines[:most-1], fmt.Sprintf("… and %d lines more: ripcord status NAME shows a part", len(lines)-most+1))
	}
	_, err := io.WriteString(w.out, toTop+strings.Join(lines, clearLine+"\n")+clearLine+"\n"+clearRest)
	return err
}

// marks remembers the text of each cell and note of a page, and since when it has that text.
type marks struct{ seen map[string]seenText }

type seenText struct {
	text  string
	since time.Time // zero: since the first page
}

// mark puts a star after each cell and note that has changed within markedFor, in inverse video if
// colours are on. It does not mark cells that change only with time.
func (m *marks) mark(p *page, now time.Time) {
	first := m.seen == nil
	next := map[string]seenText{}
	changed := func(key, text string) bool {
		before, known := m.seen[key]
		switch {
		case known && before.text == text:
			next[key] = before
		case first:
			next[key] = seenText{text: text}
		default:
			next[key] = seenText{text, now}
		}
		return !next[key].since.IsZero() && now.Sub(next[key].since) < markedFor
	}
	for _, b := range p.blocks {
		rows := map[string]int{} // by the text of the first cell
		for r, row := range b.table {
			name := fmt.Sprint(row[0].text, "\x00", rows[row[0].text])
			rows[row[0].text]++
			for c := range row {
				if r == 0 || slices.Contains(b.ages, c) || !changed(fmt.Sprint(b.name, "\x00", name, "\x00", c), cmp.Or(row[c].is, row[c].text)) {
					continue
				}
				row[c] = cell{text: row[c].text + "*", colour: inverse(row[c].colour)}
			}
		}
		for i, n := range b.notes {
			if changed(b.name+"\x00"+n.text, n.text) {
				b.notes[i].text, b.notes[i].colour = "* "+n.text, inverse(n.colour)
			}
		}
	}
	m.seen = next
}

func inverse(c colour) colour {
	const inverse = "7"
	if c == "" {
		return inverse
	}
	return c + ";" + inverse
}
