package track

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

const (
	// auditEvery is the period of scans although the connector announces all changes.
	auditEvery = 30 * time.Second
	// scanEvery is how long a scan of /proc is used without a connector: checks of equal interval
	// share one.
	scanEvery = 100 * time.Millisecond
)

// processTable counts the processes of the checks. With the connector it follows each process that
// begins and ends; without it, it scans /proc on request.
type processTable struct {
	all       Processes // returns them if /proc hides some; nil: none can
	once      sync.Once // opens the connector, with the first watch
	connector *connector
	over      chan struct{} // closed when follow has returned

	mu      sync.Mutex
	proc    *proc // nil until it is needed, and while err is not nil
	watches map[*processWatch]bool
	scanned time.Time // when the last scan began; zero: the counts are invalid
	err     error     // the error of that scan
}

// processWatch counts the processes of one check.
type processWatch struct {
	Process
	of      *processTable
	pids    map[int]bool
	passed  bool
	changed chan struct{} // holds one; nil without the connector
}

func newProcessTable(all Processes) *processTable {
	return &processTable{all: all, watches: make(map[*processWatch]bool)}
}

// watch begins to count processes.
func (t *processTable) watch(p Process) *processWatch {
	t.once.Do(func() {
		// If the kernel does not permit it (containers, other network namespaces), /proc is
		// scanned.
		if c, err := openConnector(); err == nil {
			t.connector, t.over = c, make(chan struct{})
			go t.follow()
		}
	})
	w := &processWatch{Process: p, of: t, pids: make(map[int]bool)}
	if t.connector != nil {
		w.changed = make(chan struct{}, 1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watches[w] = true
	t.scanned = time.Time{}
	return w
}

func (w *processWatch) close() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	delete(w.of.watches, w)
}

// count returns the number of processes now.
func (w *processWatch) count(ctx context.Context) (int, error) {
	t := w.of
	if err := t.open(ctx); err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.proc == nil { // a scan has failed meanwhile
		return 0, t.err
	}
	valid := scanEvery
	if t.connector != nil {
		valid = auditEvery
	}
	if time.Since(t.scanned) > valid {
		t.scan()
	}
	return len(w.pids), t.err
}

// open opens /proc unless it is open. That may take a while, in which events are processed.
func (t *processTable) open(ctx context.Context) error {
	t.mu.Lock()
	opened := t.proc != nil
	t.mu.Unlock()
	if opened {
		return nil
	}
	proc, err := openProc(ctx, t.all)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.proc != nil { // another check was faster
		proc.close()
		return nil
	}
	t.proc, t.scanned = proc, time.Time{}
	return nil
}

// scan reads all processes. The connector was subscribed before.
func (t *processTable) scan() {
	t.scanned, t.err = time.Now(), nil
	for w := range t.watches {
		clear(w.pids)
	}
	pids, err := t.proc.list()
	if err != nil {
		t.err = err
		t.proc.close()
		t.proc = nil // the next count opens another one
		return
	}
	for _, pid := range pids {
		t.classify(pid)
	}
	for w := range t.watches {
		w.passed = w.passes(len(w.pids))
	}
}

// classify reads one process and counts it for each check to which it belongs.
func (t *processTable) classify(pid int) {
	p, alive := t.proc.read(pid, t.needsMore())
	for w := range t.watches {
		if alive && p.is(&w.Process) {
			w.pids[pid] = true
		} else {
			delete(w.pids, pid)
		}
	}
}

// needsMore reports whether the kernel's name for a process is insufficient for some check.
func (t *processTable) needsMore() bool {
	for w := range t.watches {
		if len(w.Name) > CommLen || w.Name[0] == '/' {
			return true
		}
	}
	return false
}

// follow processes the events of the connector until it is closed.
func (t *processTable) follow() {
	defer close(t.over)
	for {
		e, ok, err := t.connector.receive()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		t.mu.Lock()
		switch {
		case t.proc == nil: // nothing is counted yet
		case err != nil: // events were lost
			t.scan()
		case ok:
			t.take(e)
		}
		t.announce()
		t.mu.Unlock()
	}
}

// take processes one event.
func (t *processTable) take(e processEvent) {
	switch e.kind {
	case processForked:
		// The child runs the program of its parent until it executes another one.
		for w := range t.watches {
			if w.pids[e.parent] {
				t.classify(e.pid)
				return
			}
		}
	case processChanged:
		t.classify(e.pid)
	case processEnded:
		for w := range t.watches {
			delete(w.pids, e.pid)
		}
	}
}

// announce wakes the checks whose state has changed.
func (t *processTable) announce() {
	for w := range t.watches {
		if passes := w.passes(len(w.pids)); passes != w.passed {
			w.passed = passes
			select {
			case w.changed <- struct{}{}:
			default:
			}
		}
	}
}

func (t *processTable) close() {
	if t.connector != nil {
		t.connector.close()
		<-t.over
	}
	if t.proc != nil {
		t.proc.close()
	}
}
