package interop

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// row holds the measurements of one event in one cell.
type row struct {
	cell
	event  string
	active string        // afterwards
	outage time.Duration // as the client saw it
	two    time.Duration // there were two Actives
}

// table collects the rows of all cells, which run in parallel.
type table struct {
	mu   sync.Mutex
	rows []row
}

var seen table

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// print writes the rows, cell by cell, in the order of the events.
func (t *table) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return
	}
	rows := slices.Clone(t.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(place(a.cell), place(b.cell)) })
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "PEER\tPROTOCOL\tMODE\tRIPCORD IS\tTHE ACTIVE\tTHEN ACTIVE\tOUTAGE\tTWO ACTIVES")
	for _, r := range rows {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.peer, r.protocol(), r.mode, r.priority, r.event, r.active, ms(r.outage), ms(r.two))
	}
	out.Flush()
}

// place returns the index of a cell in the matrix, or the length of the matrix if it is not in it.
func place(c cell) int {
	all := matrix()
	if i := slices.Index(all, c); i >= 0 {
		return i
	}
	return len(all)
}

func ms(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}
