package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// run runs a command of the test, and returns its result and the time at which Run returned.
func run(t *testing.T, ctx context.Context, c Command) (r Result, returned time.Duration) {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	begun, calls := time.Now(), 0
	c.Run(ctx, func(got Result) { r, calls = got, calls+1 })
	if calls != 1 {
		t.Fatalf("done was called %d times", calls)
	}
	return r, time.Since(begun)
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, script string
		exit         int
		output, err  string
	}{
		{"ends well", "echo hello; echo there >&2", 0, "hello\nthere", ""},
		{"fails", "echo no; exit 3", 3, "no", "exit status 3"},
		{"is killed", "kill -SEGV $$", -1, "", "ended by SIGSEGV"},
		{"has no input", "cat; echo end", 0, "end", ""},
		{"stands in the root directory", "pwd", 0, "/", ""},
		{"prints what is no text", `printf 'a\377b'`, 0, "a\uFFFDb", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := run(t, t.Context(), Command{Argv: shell(c.script)})
			if r.Exit != c.exit || r.Output != c.output || r.Cut || text(r.Err) != c.err {
				t.Errorf("got exit %d, output %q, error %q; want %d, %q, %q", r.Exit, r.Output, text(r.Err), c.exit, c.output, c.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestScriptWithoutInterpreter requires that /bin/sh runs a script without a line such as
// #!/bin/sh, with its arguments and as its user, as execvp(3) and keepalived do.
func TestScriptWithoutInterpreter(t *testing.T) {
	dir := t.TempDir()
	for at := dir; at != "/tmp" && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil { // other users may not search it by default
			t.Fatal(err)
		}
	}
	nobody, err := LookupUser("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		content, output string
		exit            int
	}{
		{`echo "$0 $* $(id -un)"; exit 3`, dir + "/script a b c nobody", 3},
		{"", "", 0},
	} {
		path := filepath.Join(dir, "script")
		if err := os.WriteFile(path, []byte(c.content), 0o755); err != nil {
			t.Fatal(err)
		}
		r, _ := run(t, t.Context(), Command{Argv: []string{path, "a", "b c"}, User: nobody})
		if r.Exit != c.exit || r.Output != c.output {
			t.Errorf("%q: got exit %d, output %q, error %v; want %d, %q", c.content, r.Exit, r.Output, r.Err, c.exit, c.output)
		}
	}
}

// TestOutputIsBounded requires that a gigabyte of output is discarded as it comes.
func TestOutputIsBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, _ := run(t, t.Context(), Command{Argv: shell("dd if=/dev/zero bs=1M count=1000 2>/dev/null"), Timeout: time.Minute})
	runtime.ReadMemStats(&after)
	if r.Err != nil || len(r.Output) != OutputLimit || !r.Cut {
		t.Errorf("got %d bytes of output, cut %v, error %v", len(r.Output), r.Cut, r.Err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// TestTimeoutKillsTheGroup requires the result at the timeout, and that Run returns when SIGKILL
// has ended the whole group.
func TestTimeoutKillsTheGroup(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	script := fmt.Sprintf(`trap '' TERM; sh -c 'trap "" TERM; echo $$ >> %[1]s; while :; do sleep 1; done' & echo $$ >> %[1]s; echo begun; while :; do sleep 1; done`, pids)
	r, returned := run(t, t.Context(), Command{Argv: shell(script), Timeout: 300 * time.Millisecond, Grace: 300 * time.Millisecond})
	if !errors.Is(r.Err, ErrTimeout) || text(r.Err) != "timed out after 300ms" || r.Exit != -1 {
		t.Errorf("got exit %d, error %v", r.Exit, r.Err)
	}
	if r.Output != "begun" {
		t.Errorf("the output up to the timeout is %q", r.Output)
	}
	if r.Took < 300*time.Millisecond || r.Took > 2*time.Second {
		t.Errorf("the result came after %v, want the timeout", r.Took)
	}
	if returned < 600*time.Millisecond || returned > 3*time.Second {
		t.Errorf("Run returned after %v, want timeout and grace", returned)
	}
	lines, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(lines))); n != 2 {
		t.Fatalf("%d processes ran, want 2", n)
	}
	for _, line := range strings.Fields(string(lines)) {
		pid, _ := strconv.Atoi(line)
		gone(t, pid)
	}
}

// gone waits until a process has ended; an orphan is reaped by another process.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		if state := stateOf(pid); state == "" || state == "Z" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("process %d is in state %s", pid, stateOf(pid))
}

func stateOf(pid int) string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return strings.Fields(string(line[strings.LastIndex(string(line), ")")+1:]))[0]
}

// TestTimeoutWithTERM requires that a program that ends on SIGTERM delays Run by no grace time, and
// that the rest of its group gets SIGKILL at once.
func TestTimeoutWithTERM(t *testing.T) {
	_, returned := run(t, t.Context(), Command{Argv: shell("exec sleep 60"), Timeout: 200 * time.Millisecond, Grace: 10 * time.Second})
	if returned > 5*time.Second {
		t.Errorf("Run returned after %v", returned)
	}
}

// TestBackground requires that a background process that keeps the output open delays no result. It
// continues unless KillGroup is set.
func TestBackground(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprintf("KillGroup=%v", kill), func(t *testing.T) {
			r, returned := run(t, t.Context(), Command{Argv: shell("sleep 60 & echo $!"), KillGroup: kill})
			pid, err := strconv.Atoi(r.Output)
			if err != nil || r.Err != nil || returned > 5*time.Second {
				t.Fatalf("got output %q, error %v after %v", r.Output, r.Err, returned)
			}
			if kill {
				gone(t, pid)
				return
			}
			if state := stateOf(pid); state != "S" && state != "R" {
				t.Errorf("the process in the background is in state %q", state)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		})
	}
}

// TestOutputAtTheEnd requires that output in the pipe at the end of the program is not lost, even
// if the reader is behind.
func TestOutputAtTheEnd(t *testing.T) {
	for range 50 {
		r, _ := run(t, t.Context(), Command{Argv: shell("printf %4000s end; sleep 60 &"), KillGroup: true})
		if len(strings.TrimLeft(r.Output, " ")) != 3 {
			t.Fatalf("the output is %d bytes, %.20q", len(r.Output), r.Output)
		}
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	r, returned := run(t, ctx, Command{Argv: shell("trap '' TERM; while :; do sleep 0.1; done"), Grace: 100 * time.Millisecond})
	if !errors.Is(r.Err, context.Canceled) || returned > 5*time.Second {
		t.Errorf("got error %v after %v", r.Err, returned)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		argv []string
		want string
	}{
		{nil, "the command is empty"},
		{[]string{dir + "/none"}, "/none does not exist"},
		{[]string{file("file", "", 0o755) + "/x"}, "/file/x does not exist: a directory of its path is a file"},
		{[]string{"bin/x"}, "bin/x is a relative path: give the whole path"},
		{[]string{"no-such-program"}, "there is no program no-such-program in /usr/local/sbin:"},
		{[]string{file("plain", "#!/bin/sh\n", 0o644)}, "/plain is not executable by user root (mode 0644): chmod +x it"},
		{[]string{dir}, "is a directory, not a program"},
		{[]string{file("open", "#!/bin/sh\n", 0o757)}, "/open is writable by everybody (mode 0757)"},
		{[]string{file("foreign", "\x7fELF\x02\x01\x01\x00", 0o755)}, "/foreign is neither a script nor a program for this kind of machine"},
		{[]string{file("no-interpreter", "#!/no/such/sh\n", 0o755)}, "the interpreter that its first line names does not exist"},
	} {
		r, _ := run(t, t.Context(), Command{Argv: c.argv})
		if r.Exit != -1 || !strings.Contains(text(r.Err), c.want) {
			t.Errorf("%v: got exit %d, error %q, want %q", c.argv, r.Exit, text(r.Err), c.want)
		}
	}
}

// TestNothingIsLeft requires that runs leave no descriptor, goroutine or zombie.
func TestNothingIsLeft(t *testing.T) {
	count := func() (descriptors, goroutines int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries), runtime.NumGoroutine()
	}
	scripts := []string{"exit 0", "exit 1", "sleep 60 &", "trap '' TERM; sleep 60", "yes"}
	once := func() {
		for _, script := range scripts {
			run(t, t.Context(), Command{Argv: shell(script), Timeout: 50 * time.Millisecond, Grace: 10 * time.Millisecond, KillGroup: true})
		}
		run(t, t.Context(), Command{Argv: []string{"/none"}})
	}
	once()
	descriptors, goroutines := count()
	for range 10 {
		once()
	}
	for range 100 {
		d, g := count()
		if d <= descriptors && g <= goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if d, g := count(); d > descriptors || g > goroutines {
		t.Errorf("descriptors %d, goroutines %d; there were %d, %d", d, g, descriptors, goroutines)
	}
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: pid %d, %v", pid, err)
	}
}

func BenchmarkRun(b *testing.B) {
	c := Command{Argv: []string{"/bin/true"}, Timeout: time.Second}
	b.ReportAllocs()
	for b.Loop() {
		c.Run(b.Context(), func(r Result) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		})
	}
}

// TestHangingCommandsHoldNoThreads: hanging commands need no threads, since Go's poller waits for
// their pidfds.
func TestHangingCommandsHoldNoThreads(t *testing.T) {
	const commands = 100
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	var running sync.WaitGroup
	for i := range commands {
		c := Command{Argv: shell(fmt.Sprintf("touch %s/%d; exec sleep 1000", dir, i)), Timeout: time.Hour}
		running.Go(func() { c.Run(ctx, func(Result) {}) })
	}
	defer running.Wait()
	defer cancel()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == commands {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d run", len(entries), commands)
		}
	}
	time.Sleep(200 * time.Millisecond) // until all wait
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) > commands/2 {
		t.Errorf("%d commands run, with %d threads", commands, len(threads))
	}
}
