package track

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

const (
	// auditEvery is after how long the processes are scanned though the connector
	// announced all changes.
	auditEvery = 30 * time.Second
	// scanEvery is how long a scan of /proc is used if there is no connector: checks of
	// equal interval share one.
	scanEvery = 100 * time.Millisecond
)

// processTable counts the processes of the checks. With the connector it follows each process that
// begins and ends; without, it scans /proc when asked.
type processTable struct {
	all       Processes // returns them where /proc hides some; nil: nothing does
	once      sync.Once // opens the connector, with the first watch
	connector *connector
	over      chan struct{} // closed when follow has returned

	mu      sync.Mutex
	proc    *proc // nil until it is needed, and while err is not nil
	watches map[*processWatch]bool
	scanned time.Time // when the last scan began; zero: what is counted is not valid
	err     error     // of that scan
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

// open opens /proc unless it is open. That may take a while, in which events are taken.
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

// scan reads all processes. The connector was subscribed to before.
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

// classify reads one process and counts it for each check that it belongs to.
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

// needsMore reports whether the kernel's name for a process is not enough.
func (t *processTable) needsMore() bool {
	for w := range t.watches {
		if len(w.Name) > CommLen || w.Name[0] == '/' {
			return true
		}
	}
	return false
}

// follow takes the events of the connector until it is closed.
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

// take follows one event.
func (t *processTable) take(e processEvent) {
	switch e.kind {
	case processForked:
		// The child is what its parent is, until it executes another program.
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

// announce wakes the checks that pass now and did not before, or the other way around.
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
