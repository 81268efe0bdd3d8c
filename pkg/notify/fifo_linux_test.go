package notify

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
	"ripcord/pkg/event"
)

// pipe runs a FIFO and keeps its reports.
type pipe struct {
	*FIFO
	mu      sync.Mutex
	reports []FIFOReport
	stop    func()
}

func startFIFO(t *testing.T, path string, owner *command.User) *pipe {
	t.Helper()
	p := new(pipe)
	p.FIFO = NewFIFO(path, owner, func() error { return MakeFIFO(path, owner, os.Geteuid()) }, func(r FIFOReport) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reports = append(p.reports, r)
	})
	p.stop = commandtest.Running(t, p.Run)
	return p
}

// last returns the error of the last report and how many there were.
func (p *pipe) last() (text string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reports) == 0 {
		return "", 0
	}
	if err := p.reports[len(p.reports)-1].Err; err != nil {
		text = err.Error()
	}
	return text, len(p.reports)
}

func (p *pipe) waitReport(t *testing.T, want string) {
	t.Helper()
	commandtest.Eventually(t, func() (bool, string) {
		got, _ := p.last()
		return got != "" && strings.Contains(got, want), fmt.Sprintf("reported is %q, want %q", got, want)
	})
}

// reader reads a FIFO line by line, as a user's program does.
type reader struct {
	t     *testing.T
	file  *os.File
	lines *bufio.Reader
}

func openReader(t *testing.T, path string) *reader {
	t.Helper()
	var file *os.File
	commandtest.Eventually(t, func() (bool, string) {
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			return false, fmt.Sprintf("%s is no FIFO: %v", path, err)
		}
		file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		return err == nil, fmt.Sprint(err)
	})
	t.Cleanup(func() { _ = file.Close() })
	return &reader{t, file, bufio.NewReader(file)}
}

func (r *reader) line() string {
	r.t.Helper()
	for deadline := time.Now().Add(commandtest.MaxWait); time.Now().Before(deadline); {
		_ = r.file.SetReadDeadline(deadline)
		text, err := r.lines.ReadString('\n')
		if err == nil {
			return strings.TrimSuffix(text, "\n")
		}
		time.Sleep(2 * time.Millisecond) // the FIFO has no writer at this moment
	}
	r.t.Fatal("no line came")
	return ""
}

func (r *reader) want(want string) {
	r.t.Helper()
	if got := r.line(); got != want {
		r.t.Errorf("the line is %q, want %q", got, want)
	}
}

func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	p := startFIFO(t, path, nil)
	p.Write(inside(event.Backup, event.Active))
	r := openReader(t, path)
	p.Write(Transition{Kind: Group, Name: "edge", To: event.Backup, Priority: 150})
	r.want(`INSTANCE "inside" MASTER 150`)
	r.want(`GROUP "edge" BACKUP 0`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	// The last line stays for a reader, even after a stop.
	p.Write(inside(event.Active, event.Initialize))
	p.stop()
	r.want(`INSTANCE "inside" STOP 150`)
	if text, n := p.last(); n != 0 {
		t.Errorf("the last report is %q", text)
	}
}

// TestFIFOUnread requires that an unread FIFO causes one report and a count; the last state of each
// name is there when it is read.
func TestFIFOUnread(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	p := startFIFO(t, path, nil)
	states := []event.State{event.Active, event.Backup}
	full := func() bool { text, _ := p.last(); return text != "" }
	for i := 0; !full() || p.Lost() < 500; i++ {
		if i == 1_000_000 {
			t.Fatal("the FIFO is never full")
		}
		begun := time.Now()
		for _, name := range []string{"inside", "outside"} {
			tr := inside(states[i%2], states[(i+1)%2])
			tr.Name = name
			p.Write(tr)
		}
		if took := time.Since(begun); took > time.Second {
			t.Fatalf("Write took %v", took)
		}
		if i%100 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for _, name := range []string{"inside", "outside"} {
		tr := inside(event.Backup, event.Fault)
		tr.Name = name
		p.Write(tr)
	}
	p.waitReport(t, "is full: nobody reads it")
	if _, n := p.last(); n != 1 {
		t.Errorf("there were %d reports", n)
	}
	p.FIFO.mu.Lock()
	waiting := len(p.waiting)
	p.FIFO.mu.Unlock()
	if waiting > 2 {
		t.Errorf("%d lines wait, want the last of each name", waiting)
	}
	r := openReader(t, path)
	for line := r.line(); !strings.Contains(line, `"inside" FAULT`); line = r.line() {
	}
	r.want(`INSTANCE "outside" FAULT 150`)
	commandtest.Eventually(t, func() (bool, string) { text, n := p.last(); return n == 2 && text == "", text })
}

// TestFIFORemoved requires that a FIFO that is removed while the daemon runs is made again.
func TestFIFORemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	p := startFIFO(t, path, nil)
	p.Write(inside(event.Backup, event.Active))
	openReader(t, path).want(`INSTANCE "inside" MASTER 150`)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.Write(inside(event.Active, event.Backup))
	openReader(t, path).want(`INSTANCE "inside" BACKUP 150`)
}

// TestFIFORefused requires that a file that is not a FIFO, or another user's, is not written. After
// it is gone, the last line is written.
func TestFIFORefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startFIFO(t, path, nil)
	p.Write(inside(event.Backup, event.Active))
	p.waitReport(t, path+" exists and is not a FIFO: remove it, or give another path")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	openReader(t, path).want(`INSTANCE "inside" MASTER 150`)
	p.stop()

	nowhere := startFIFO(t, filepath.Join(path+".d", "fifo"), nil)
	nowhere.Write(inside(event.Backup, event.Active))
	nowhere.waitReport(t, "cannot be made: no such file or directory")
}

func TestFIFOOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give files to others")
	}
	nobody, err := command.LookupUser("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fifo")
	p := startFIFO(t, path, nobody)
	p.Write(inside(event.Backup, event.Active))
	openReader(t, path).want(`INSTANCE "inside" MASTER 150`)
	p.stop()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 0 || stat.Gid != nobody.GID {
		t.Errorf("it belongs to %d:%d", stat.Uid, stat.Gid)
	}
	if err := os.Chown(path, int(nobody.UID), -1); err != nil {
		t.Fatal(err)
	}
	stranger := startFIFO(t, path, nil)
	stranger.Write(inside(event.Backup, event.Active))
	stranger.waitReport(t, "belongs to user 65534: remove it, or give another path")
}
