package track

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
)

// own begins the names of the processes that these tests start. No other process of the machine has
// such a name, another run of the same tests neither.
var own = strings.ToLower(rand.Text()[:4]) + "-"

// copySleep copies sleep to a file with another name, in a directory of the test.
func copySleep(t *testing.T, name string) string {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	b, err := os.ReadFile(sleep)
	must(t, err)
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, b, 0o700))
	return path
}

// launch starts a process that sleeps, and returns a function that ends it.
func launch(t *testing.T, path string) (end func()) {
	t.Helper()
	cmd := exec.Command(path, "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	end = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	return end
}

// bothWays runs a test with the proc connector, if the kernel permits it, and with only /proc.
func bothWays(t *testing.T, test func(t *testing.T, table *processTable)) {
	t.Run("connector", func(t *testing.T) {
		table := newProcessTable(nil)
		defer table.close()
		table.watch(Process{Name: "x", Min: 1}).close()
		if table.connector == nil {
			_, err := openConnector()
			t.Skip("no proc connector here: ", err)
		}
		test(t, table)
	})
	t.Run("scan", func(t *testing.T) {
		table := newProcessTable(nil)
		table.once.Do(func() {})
		test(t, table)
	})
}

func counts(t *testing.T, w *processWatch, want int) {
	t.Helper()
	commandtest.Eventually(t, func() (bool, string) {
		n, err := w.count(t.Context())
		return n == want && err == nil, fmt.Sprintf("%s: %d processes, %v; want %d", w.Name, n, err, want)
	})
}

func TestProcessCount(t *testing.T) {
	bothWays(t, func(t *testing.T, table *processTable) {
		short, long := copySleep(t, own+"short"), copySleep(t, own+"with-a-long-name")
		names := map[string]*processWatch{}
		const kept = 15 // bytes of a name, by the kernel
		longName, otherName := own+"with-a-long-name", own+"with-a-long-game"
		for _, name := range []string{own + "short", short, longName[:kept], longName, otherName, own + "shor"} {
			names[name] = table.watch(Process{Name: name, Min: 1})
			counts(t, names[name], 0)
		}
		end := launch(t, short)
		launch(t, short)
		counts(t, names[own+"short"], 2)
		counts(t, names[short], 2)
		end()
		counts(t, names[own+"short"], 1)
		counts(t, names[short], 1)
		launch(t, long)
		counts(t, names[longName[:kept]], 1)
		counts(t, names[longName], 1)
		counts(t, names[otherName], 0)
		counts(t, names[own+"shor"], 0)
		counts(t, table.watch(Process{Name: own[1:] + "shor", Part: true, Min: 1}), 1)
		counts(t, table.watch(Process{Name: own, Part: true, Min: 1}), 2)
		must(t, os.Remove(short)) // an upgrade replaces the file
		counts(t, table.watch(Process{Name: short, Min: 1}), 1)
	})
}

// TestProcessZombie: a zombie does not count.
func TestProcessZombie(t *testing.T) {
	bothWays(t, func(t *testing.T, table *processTable) {
		path := copySleep(t, own+"zombie")
		w := table.watch(Process{Name: own + "zombie", Min: 1})
		cmd := exec.Command(path, "1000")
		must(t, cmd.Start())
		counts(t, w, 1)
		must(t, cmd.Process.Kill())
		counts(t, w, 0)
		_ = cmd.Wait()
	})
}

// TestProcessNamesAndChildren: a process that renames itself is counted under its present name. A
// child of a process has that name until it executes another program.
func TestProcessNamesAndChildren(t *testing.T) {
	bothWays(t, func(t *testing.T, table *processTable) {
		fifo := filepath.Join(t.TempDir(), "fifo")
		must(t, syscall.Mkfifo(fifo, 0o600))
		w := table.watch(Process{Name: own + "renamed", Min: 1})
		cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf(`read -r x; printf %srenamed > /proc/$$/comm; read -r x; (read -r y < %s; exec sleep 1000) & read -r x; kill $!`, own, fifo))
		steps, err := cmd.StdinPipe()
		must(t, err, cmd.Start())
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		step := func(want int) {
			t.Helper()
			_, err := steps.Write([]byte("\n"))
			must(t, err)
			counts(t, w, want)
		}
		counts(t, w, 0)
		step(1)
		step(2)
		must(t, os.WriteFile(fifo, []byte("\n"), 0)) // it executes sleep
		counts(t, w, 1)
		step(0)
	})
}

// TestProcessEvents requires that with the connector a change is known at once, whatever the
// interval.
func TestProcessEvents(t *testing.T) {
	if c, err := openConnector(); err != nil {
		t.Skip("no proc connector here: ", err)
	} else {
		c.close()
	}
	path := copySleep(t, own+"events")
	end := launch(t, path)
	r := start(t)
	r.apply(Spec{Name: "p", Interval: time.Hour, Probe: Process{Name: own + "events", Min: 1, Max: 2}})
	r.wait("p", "waiting up")
	if last := r.last("p"); last.Output != "1" {
		t.Errorf("the output is %q", last.Output)
	}
	end()
	r.wait("p", "waiting up down")
	if got := text(r.last("p").Err); got != "0 processes "+own+"events, want 1 to 2" {
		t.Errorf("got %q", got)
	}
	for range 2 {
		launch(t, path)
	}
	r.wait("p", "waiting up down up")
	launch(t, path)
	r.wait("p", "waiting up down up down")
}

// TestProcessLostEvents requires a scan of the processes after messages were lost.
func TestProcessLostEvents(t *testing.T) {
	table := newProcessTable(nil)
	table.watch(Process{Name: "x", Min: 1})
	defer table.close()
	if table.connector == nil {
		t.Skip("no proc connector here")
	}
	path := copySleep(t, own+"lost")
	w := table.watch(Process{Name: own + "lost", Min: 1})
	counts(t, w, 0)
	fd := -1
	must(t, table.connector.raw.Control(func(n uintptr) { fd = int(n) }))
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
	table.mu.Lock() // follow stops, and the buffer overflows
	launch(t, path)
	for range 50 {
		must(t, exec.Command("true").Run())
	}
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, connectorBuffer))
	table.mu.Unlock()
	counts(t, w, 1)
}

// TestProcessHidden: without the right to see all processes their number is unknown, not 0.
func TestProcessHidden(t *testing.T) {
	if os.Getpid() == 1 {
		t.Skip("this is process 1")
	}
	if os.Getenv("RIPCORD_TEST_HIDDEN") != "" {
		all, err := os.Open("/proc") // which hides none
		must(t, err, unix.Mount("proc", "/proc", "proc", 0, "hidepid=2"))
		must(t, syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534))
		testHidden(t, all)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot mount /proc")
	}
	again := exec.Command("/proc/self/exe", "-test.run=^TestProcessHidden$", "-test.v")
	name, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	again.Env = append(os.Environ(), "RIPCORD_TEST_HIDDEN="+strings.TrimSpace(string(name)))
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS}
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// testHidden tests checks of processes of a user from whom /proc hides those of root. all is a
// /proc that hides none.
func testHidden(t *testing.T, all *os.File) {
	var lost error
	show := func(context.Context) (*os.File, error) {
		if lost != nil {
			return nil, lost
		}
		fd, err := unix.Dup(int(all.Fd()))
		return os.NewFile(uintptr(fd), "proc"), err
	}
	run := func(show Processes, p Process) (got *result) {
		t.Helper()
		m := newMachine(nil, show)
		defer m.close()
		p.open(m, &Spec{Name: "p", Interval: time.Minute, Timeout: time.Minute, Probe: p}).probe(t.Context(), func(r result) { got = &r })
		return got
	}
	starter := Process{Name: os.Getenv("RIPCORD_TEST_HIDDEN"), Min: 1} // of root
	if got := run(nil, starter); got == nil || got.pass || !strings.Contains(text(got.err), "/proc is mounted with hidepid") {
		t.Errorf("without another /proc: %+v", got)
	}
	if got := run(show, starter); got == nil || !got.pass || got.output == "0" {
		t.Errorf("a process of root: %+v", got)
	}
	if got := run(show, Process{Name: own + "nobody", Min: 1}); got == nil || text(got.err) != "0 processes "+own+"nobody, want at least 1" {
		t.Errorf("a process that does not exist: %+v", got)
	}
	lost = command.Lost("it was killed")
	if got := run(show, starter); got != nil {
		t.Errorf("while the runner is lost: %+v, want no result", got)
	}
	lost = errors.New("EPERM")
	if got := run(show, starter); got == nil || got.pass || !strings.Contains(text(got.err), "ripcord runner opens no other: EPERM") {
		t.Errorf("with a runner without the right: %+v", got)
	}
}

// FuzzDecode requires that a message from elsewhere, or one that is too short, is ignored.
func FuzzDecode(f *testing.F) {
	message := make([]byte, minForkLen)
	for at, word := range map[int]uint32{16: cnProc, 20: cnProc, eventOffset: eventFork, eventDataOffset + 4: 7, eventDataOffset + 8: 9, eventDataOffset + 12: 9} {
		binary.NativeEndian.PutUint32(message[at:], word)
	}
	if e, ok := decode(message); !ok || e != (processEvent{processForked, 9, 7}) {
		f.Errorf("got %+v, %v", e, ok)
	}
	f.Add(message)
	f.Add(message[:minEventLen])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := decode(b); ok && len(b) < minEventLen {
			t.Error("a short message is decoded")
		}
		answer(b)
	})
}
