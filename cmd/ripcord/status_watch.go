package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/control"
)

// The period at which the status is shown, and the time for which a change is marked.
const (
	watchPeriod = time.Second
	markedFor   = 10 * time.Second
)

// watchStatus shows the status again and again, until ctx ends: in place on a terminal,
// where what changed is marked. A daemon that does not answer any more is waited for.
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
			err = shown.silence(err)
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

// statusWatch is a status that is shown again and again.
type statusWatch struct {
	out        io.Writer
	asJSON     bool
	look       look
	rows       int // of the terminal; 0: it is none, and nothing is shown in place
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

// silence shows that the daemon does not answer, and what it answered last.
func (w *statusWatch) silence(why error) error {
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

// show writes a page: over the last one on a terminal, as far as it has room.
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

// marks remembers the cells and notes of a page, and since when each has its text.
type marks struct{ seen map[string]seenText }

type seenText struct {
	text  string
	since time.Time // zero: since the first page
}

// mark puts a star behind each cell and note that has changed within markedFor, in inverse
// video where there are colours. Cells that change with the time alone are not marked.
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
		rows := map[string]int{} // by what stands first in them
		for r, row := range b.table {
			name := fmt.Sprint(row[0].text, "\x00", rows[row[0].text])
			rows[row[0].text]++
			for c := range row {
				if r == 0 || slices.Contains(b.ages, c) || !changed(fmt.Sprint(b.name, "\x00", name, "\x00", c), row[c].text) {
					continue
				}
				row[c] = cell{row[c].text + "*", inverse(row[c].colour)}
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
