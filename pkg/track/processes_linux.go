package track

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
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

// processTable counts the processes that checks are interested in. With the connector it
// follows each process that begins and ends; without, it scans /proc when asked.
type processTable struct {
	once      sync.Once // opens the connector, with the first watch
	connector *connector
	over      chan struct{} // closed when follow has returned

	mu      sync.Mutex
	watches map[*processWatch]bool
	scanned time.Time // when the last scan began; zero: what is counted is not valid
	err     error     // of that scan
}

// processWatch is the interest in one name.
type processWatch struct {
	Process
	of      *processTable
	pids    map[int]bool
	passed  bool
	changed chan struct{} // holds one; nil without the connector
}

func newProcessTable() *processTable {
	return &processTable{watches: make(map[*processWatch]bool)}
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
func (w *processWatch) count() (int, error) {
	t := w.of
	t.mu.Lock()
	defer t.mu.Unlock()
	valid := scanEvery
	if t.connector != nil {
		valid = auditEvery
	}
	if t.err != nil || time.Since(t.scanned) > valid {
		t.scan()
	}
	return len(w.pids), t.err
}

// scan reads all processes. The connector was subscribed to before.
func (t *processTable) scan() {
	t.scanned, t.err = time.Now(), nil
	for w := range t.watches {
		clear(w.pids)
	}
	pids, err := listProcesses()
	if err != nil {
		t.err = err
		return
	}
	for _, pid := range pids {
		t.classify(pid)
	}
	for w := range t.watches {
		w.passed = w.passes(len(w.pids))
	}
}

// classify reads one process and counts it where it belongs.
func (t *processTable) classify(pid int) {
	p, alive := readProgram(pid, t.needsMore())
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
}

// listProcesses returns the numbers of all processes.
func listProcesses() ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = proc.Close() }()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	first := false
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
			first = first || pid == 1
		}
	}
	if !first {
		return nil, errors.New("the processes of other users cannot be seen: /proc is mounted with hidepid (in the unit file: ProtectProc=default)")
	}
	return pids, nil
}

// readProgram reads the name of the program that a process runs; with more, argv[0] and the
// program file, too. alive is false if the process has ended, as a zombie has.
func readProgram(pid int, more bool) (p program, alive bool) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return p, false
	}
	// PID (comm) STATE …: the comm may contain anything, parentheses too.
	begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if begin < 0 || end < begin || len(stat) < end+3 {
		return p, false
	}
	p.comm = string(stat[begin+1 : end])
	if state := stat[end+2]; state == 'Z' || state == 'X' {
		return p, false
	}
	if more {
		if line, err := os.ReadFile(dir + "cmdline"); err == nil {
			argv0, _, _ := bytes.Cut(line, []byte{0})
			p.argv0 = string(argv0)
		}
		if exe, err := os.Readlink(dir + "exe"); err == nil {
			p.exe = strings.TrimSuffix(exe, " (deleted)") // it was upgraded meanwhile
		}
	}
	return p, true
}
