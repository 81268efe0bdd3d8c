package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
)

// shell is a program of a table, like that of a check.
func shell(name, script string, timeout time.Duration) Program {
	return Program{command.ID{Kind: command.ForCheck, Name: name}, command.Command{Argv: []string{"/bin/sh", "-c", script}, Timeout: timeout, KillGroup: true}}
}

// rig is a server with a client.
type rig struct {
	t       testing.TB
	server  *Server
	client  *Client
	lines   chan string
	reports chan Report

	mu      sync.Mutex
	table   *Table // what the server loads next
	loading func() // called while it loads; nil: nothing is
	loadErr error
	ends    []net.Conn // the server's
}

// load returns the table that the server loads.
func (r *rig) load(context.Context) (*Table, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loading != nil {
		r.loading()
	}
	return r.table, r.loadErr
}

// configure changes the table that the server loads next.
func (r *rig) configure(t *Table, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table, r.loadErr = t, err
}

// whileLoading sets the function that is called while the server loads.
func (r *rig) whileLoading(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loading = do
}

func newRig(t *testing.T, programs ...Program) *rig {
	t.Helper()
	r := &rig{t: t, table: NewTable(programs, false), lines: make(chan string, 1024), reports: make(chan Report, 64)}
	r.start()
	return r
}

// start starts the client, after the server.
func (r *rig) start() {
	r.server = NewServer(ServerConfig{
		Load:     r.load,
		Report:   func(text string) { r.lines <- text },
		Programs: command.Local{},
	})
	_ = r.server.Load(r.t.Context())
	r.client = NewClient(ClientConfig{Dial: r.dial, Revision: r.table.Revision(), Report: func(report Report) { r.reports <- report }})
	commandtest.Running(r.t, r.client.Keep)
}

// connect returns the daemon's end of a connection that the server serves.
func (r *rig) connect() net.Conn {
	r.t.Helper()
	ours, theirs := connected(r.t)
	r.mu.Lock()
	r.ends = append(r.ends, theirs)
	r.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.server.Serve(context.Background(), theirs, Peer{os.Geteuid(), os.Getpid()})
		_ = theirs.Close()
	}()
	r.t.Cleanup(func() { _ = ours.Close(); <-over })
	return ours
}

func (r *rig) dial(context.Context) (net.Conn, error) { return r.connect(), nil }

// cut ends the last connection, like the end of the runner.
func (r *rig) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.ends[len(r.ends)-1].Close()
}

func connected(t testing.TB) (a, b net.Conn) {
	t.Helper()
	one, two, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []struct {
		file *os.File
		conn *net.Conn
	}{{one, &a}, {two, &b}} {
		if *end.conn, err = net.FileConn(end.file); err != nil {
			t.Fatal(err)
		}
		_ = end.file.Close()
	}
	return a, b
}

// run runs a program and waits for its end.
func (r *rig) run(ctx context.Context, name string, timeout time.Duration, env ...string) command.Result {
	r.t.Helper()
	results := 0
	var result command.Result
	request := command.Request{ID: command.ID{Kind: command.ForCheck, Name: name}, Command: command.Command{Timeout: timeout, Env: env}}
	r.client.Run(ctx, request, func(got command.Result) { result, results = got, results+1 })
	if results != 1 {
		r.t.Errorf("%s has %d results", name, results)
	}
	return result
}

// TestRun requires that a program requested by its name has the result, the output and the
// variables that it would have as a child of this process.
func TestRun(t *testing.T) {
	r := newRig(t,
		shell("good", `echo "$RIPCORD_REASON $HOME$NOTIFY_SOCKET"`, time.Minute), shell("bad", "echo no >&2; exit 3", time.Minute),
		shell("killed", "kill -SEGV $$", time.Minute), shell("slow", "echo begun; exec sleep 60", 300*time.Millisecond),
		shell("loud", `i=0; while [ $i -lt 3000 ]; do printf '\001\377'; i=$((i+1)); done`, time.Minute),
		Program{command.ID{Kind: command.ForCheck, Name: "missing"}, command.Command{Argv: []string{"/nowhere/x"}, Timeout: time.Minute}})
	if got := r.run(t.Context(), "good", time.Minute, "RIPCORD_REASON=peer-resigned"); got.Err != nil || !strings.HasPrefix(got.Output, "peer-resigned /") {
		t.Errorf("good: %+v", got)
	}
	var exit *command.ExitError
	if got := r.run(t.Context(), "bad", time.Minute); !errors.As(got.Err, &exit) || exit.Exit != 3 || got.Exit != 3 || got.Output != "no" {
		t.Errorf("bad: %+v", got)
	}
	if got := r.run(t.Context(), "killed", time.Minute); !errors.As(got.Err, &exit) || exit.Signal != "SIGSEGV" || got.Exit != -1 {
		t.Errorf("killed: %+v", got)
	}
	if got := r.run(t.Context(), "slow", 300*time.Millisecond); !errors.Is(got.Err, command.ErrTimeout) || got.Err.Error() != "timed out after 300ms" || got.Output != "begun" {
		t.Errorf("slow: %+v", got)
	}
	if got := r.run(t.Context(), "missing", time.Minute); got.Err == nil || got.Err.Error() != "/nowhere/x does not exist" {
		t.Errorf("missing: %+v", got)
	}
	if got := r.run(t.Context(), "loud", time.Minute); got.Err != nil || !got.Cut || len(got.Output) < command.OutputLimit {
		t.Errorf("loud: %d bytes, %v", len(got.Output), got.Err)
	}
	if got := r.run(t.Context(), "nobody's", time.Minute); got.Err == nil || errors.Is(got.Err, command.ErrLost) || !strings.Contains(got.Err.Error(), "no program") {
		t.Errorf("a program that the configuration lacks: %+v", got)
	}
	if err := r.client.Check(t.Context(), command.Request{ID: command.ID{Kind: command.ForCheck, Name: "missing"}}); err == nil || err.Error() != "/nowhere/x does not exist" {
		t.Errorf("checked: %v", err)
	}
	if err := r.client.MakeFIFO(t.Context()); err == nil || !strings.Contains(err.Error(), "no fifo") {
		t.Errorf("a FIFO that is not configured: %v", err)
	}
	if report := <-r.reports; !report.Ready || report.PID != os.Getpid() || r.client.Status().Lost != 0 {
		t.Errorf("reported: %+v", report)
	}
}

// TestStop requires that a program stopped by its context ends, with that error, and leaves
// nothing.
func TestStop(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "pid")
	r := newRig(t, shell("long", "echo $$ >"+marker+"; exec sleep 60", time.Minute))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = read(t, marker)
		cancel()
	}()
	if got := r.run(ctx, "long", time.Minute); !errors.Is(got.Err, context.Canceled) {
		t.Errorf("stopped: %+v", got)
	}
	gone(t, read(t, marker))
}

// read waits for the process number that a program has written.
func read(t *testing.T, path string) (pid int) {
	commandtest.Eventually(t, func() (bool, string) {
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = fmt.Sscan(string(text), &pid)
		}
		return err == nil, fmt.Sprintf("%s: %v", path, err)
	})
	return pid
}

func gone(t *testing.T, pid int) {
	t.Helper()
	commandtest.Eventually(t, func() (bool, string) {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH), fmt.Sprintf("process %d is left", pid)
	})
}

// TestLost requires that a program is lost when the runner ends while it runs, that this is
// reported, and that another runner takes the next one. A runner's programs end with it.
func TestLost(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "pid")
	r := newRig(t, shell("long", "echo $$ >"+marker+"; exec sleep 60", time.Minute), shell("good", "exit 0", time.Minute))
	if report := <-r.reports; !report.Ready {
		t.Fatalf("%+v", report)
	}
	go func() {
		_ = read(t, marker)
		r.cut()
	}()
	began := time.Now()
	if got := r.run(t.Context(), "long", time.Minute); !errors.Is(got.Err, command.ErrLost) || got.Exit != -1 {
		t.Errorf("under way: %+v", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the loss was noticed after %v", took)
	}
	if report := <-r.reports; report.Ready || report.UnderWay != 1 || report.Lost != 1 || report.Err == "" {
		t.Errorf("reported: %+v", report)
	}
	if got := r.run(t.Context(), "good", time.Minute); got.Err != nil {
		t.Errorf("the next: %+v", got)
	}
	if report := <-r.reports; !report.Ready || report.Lost != 1 {
		t.Errorf("reported: %+v", report)
	}
	gone(t, read(t, marker))
}

// TestHung requires that a runner that does not answer counts as lost.
func TestHung(t *testing.T) {
	table := NewTable(nil, false)
	reports := make(chan Report, 16)
	dialled := 0
	c := NewClient(ClientConfig{Revision: table.Revision(), Report: func(r Report) { reports <- r }, Dial: func(context.Context) (net.Conn, error) {
		if dialled++; dialled > 1 {
			return nil, errors.New("there is no other")
		}
		ours, theirs := connected(t)
		hi, _ := json.Marshal(answer{Hello: &hello{PID: 1, Revision: table.Revision()}})
		_, _ = theirs.Write(hi)
		t.Cleanup(func() { _ = theirs.Close() })
		return ours, nil
	}})
	commandtest.Running(t, c.Keep)
	began := time.Now()
	var got command.Result
	c.Run(t.Context(), command.Request{ID: command.ID{Kind: command.ForCheck, Name: "web"}, Command: command.Command{Timeout: 100 * time.Millisecond}}, func(r command.Result) { got = r })
	if took := time.Since(began); !errors.Is(got.Err, command.ErrLost) || took < answerWithin || took > 2*answerWithin {
		t.Errorf("after %v: %+v", took, got)
	}
	<-reports
	if report := <-reports; report.Ready || !strings.Contains(report.Err, "has not answered in time") {
		t.Errorf("reported: %+v", report)
	}
	// The client also waits for a runner no longer than the program may take.
	c.Run(t.Context(), command.Request{Command: command.Command{Timeout: 100 * time.Millisecond}}, func(r command.Result) { got = r })
	if !errors.Is(got.Err, command.ErrLost) {
		t.Errorf("without a runner: %+v", got)
	}
}

// TestReload requires that the programs are those of the new configuration once both have it, and
// that the runner runs nothing for a daemon with another one. A removed program can still run once
// more.
func TestReload(t *testing.T) {
	r := newRig(t, shell("web", "echo old", time.Minute), shell("gone", "echo gone", time.Minute))
	if got := r.run(t.Context(), "web", time.Minute); got.Output != "old" {
		t.Fatalf("%+v", got)
	}
	r.configure(NewTable([]Program{shell("web", "echo new", time.Minute)}, false), nil)
	if err := r.client.Reload(t.Context(), "another"); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("a reload of something else: %v", err)
	}
	if got := r.run(t.Context(), "web", time.Minute); got.Output != "old" {
		t.Errorf("after a reload that failed: %+v", got)
	}
	if err := r.client.Reload(t.Context(), r.table.Revision()); err != nil {
		t.Fatal(err)
	}
	if got := r.run(t.Context(), "web", time.Minute); got.Output != "new" {
		t.Errorf("after the reload: %+v", got)
	}
	if got := r.run(t.Context(), "gone", time.Minute); got.Output != "gone" {
		t.Errorf("the removed program: %+v", got)
	}
	// Another reload does not remove it too soon either.
	r.configure(NewTable([]Program{shell("web", "echo new", time.Minute), shell("other", "exit 0", time.Minute)}, false), nil)
	if err := r.client.Reload(t.Context(), r.table.Revision()); err != nil {
		t.Fatal(err)
	}
	if got := r.run(t.Context(), "gone", time.Minute); got.Output != "gone" {
		t.Errorf("the program removed by the reload before: %+v", got)
	}
	// The runner reads another file by itself, as when it restarts after a change.
	r.configure(NewTable([]Program{shell("web", "echo newest", time.Minute)}, false), nil)
	if err := r.server.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := r.run(t.Context(), "web", time.Minute); !errors.Is(got.Err, command.ErrLost) || !strings.Contains(got.Err.Error(), "ripcord reload") {
			t.Errorf("with different configurations: %+v", got)
		}
	}
	if s := r.client.Status(); !s.Ready || !strings.Contains(s.Err, "ripcord reload") {
		t.Errorf("with different configurations, the status is %+v", s)
	}
	<-r.reports // it is ready
	if report := <-r.reports; !report.Ready || !strings.Contains(report.Err, "ripcord reload") {
		t.Errorf("reported: %+v", report)
	}
	r.configure(nil, errors.New("line 3 is broken"))
	r.cut()
	if report := <-r.reports; report.Ready {
		t.Errorf("reported: %+v", report)
	}
	if report := <-r.reports; !report.Ready || report.Err != "line 3 is broken" {
		t.Errorf("reported: %+v", report)
	}
}

// TestReloadUnanswered requires that the programs in force stay those that the daemon has, if a
// reload ends before the runner has answered: nothing would run any more otherwise.
func TestReloadUnanswered(t *testing.T) {
	r := newRig(t, shell("web", "echo old", time.Minute))
	if got := r.run(t.Context(), "web", time.Minute); got.Output != "old" {
		t.Fatalf("%+v", got)
	}
	before := r.table.Revision()
	for _, word := range []string{"new", "newer"} {
		r.configure(NewTable([]Program{shell("web", "echo "+word, time.Minute)}, false), nil)
		ctx, cancel := context.WithCancel(t.Context())
		r.whileLoading(func() { // the client leaves, and the runner reads on
			cancel()
			time.Sleep(50 * time.Millisecond)
		})
		if err := r.client.Reload(ctx, r.table.Revision()); !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled reload: %v", err)
		}
		if err := r.client.Check(t.Context(), command.Request{ID: command.ID{Kind: command.ForCheck, Name: "web"}}); err != nil {
			t.Errorf("checked after a reload that was cancelled: %v", err)
		}
		commandtest.Eventually(t, func() (bool, string) {
			r.server.mu.Lock()
			defer r.server.mu.Unlock()
			next := r.server.next
			return next != nil && next.Revision() == r.table.Revision(), "the runner has not read the file"
		})
		if got := r.run(t.Context(), "web", time.Minute); got.Output != "old" || r.client.revision != before {
			t.Errorf("after a reload that was cancelled: %+v", got)
		}
	}
	r.whileLoading(nil)
	if err := r.client.Reload(t.Context(), r.table.Revision()); err != nil {
		t.Fatal(err)
	}
	if got := r.run(t.Context(), "web", time.Minute); got.Output != "newer" {
		t.Errorf("after the next reload: %+v", got)
	}
}

// TestGone requires that a removed program can run for a while, and not for ever, unless it comes
// back.
func TestGone(t *testing.T) {
	one, none := NewTable([]Program{shell("web", "exit 0", time.Minute)}, false), NewTable(nil, false)
	id, now := command.ID{Kind: command.ForCheck, Name: "web"}, time.Unix(1000, 0)
	has := func(g removed) bool { _, known := g.program(id); return known }
	g := removed{}.after(nil, one, now)
	if has(g) {
		t.Error("a present program counts as gone")
	}
	if g = g.after(one, none, now); !has(g) {
		t.Error("a removed program is dropped at once")
	}
	if g = g.after(none, none, now.Add(goneFor-1)); !has(g) {
		t.Error("a removed program is dropped too soon")
	}
	if has(g.after(none, one, now.Add(goneFor-1))) || has(g.after(none, none, now.Add(goneFor))) {
		t.Error("a removed program is never dropped")
	}
}

// TestHostile requires that the server continues whatever comes, and reports what it refuses. Many
// invalid messages end their connection, and no other.
func TestHostile(t *testing.T) {
	r := newRig(t, shell("web", "exit 0", time.Minute), Program{command.ID{Kind: command.ForInstance, Name: "inside", When: "any"}, command.Command{Argv: []string{"/bin/echo"}, Timeout: time.Minute}})
	revision := r.table.Revision()
	for name, c := range map[string]struct{ message, want string }{
		"no JSON":           {"\x00\xff", "invalid character"},
		"nothing":           {"{}", `no operation ""`},
		"two":               {`{"seq":1,"op":"fifo"}{}`, "more text follows"},
		"a command line":    {`{"seq":1,"op":"run","argv":["/bin/sh"]}`, "unknown field"},
		"no operation":      {`{"seq":1,"op":"exec"}`, "no operation"},
		"no number":         {`{"op":"run"}`, "no number"},
		"too long":          {`{"seq":1,"op":"run","env":["` + strings.Repeat("x", maxRequest) + `"]}`, "longer than"},
		"a long name":       {`{"seq":1,"op":"run","program":{"kind":"check","name":"` + strings.Repeat("x", 300) + `"}}`, "too long"},
		"a line break":      {`{"seq":1,"op":"run","env":["RIPCORD_REASON=a\nb"]}`, "not plain text"},
		"unknown":           {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"check","name":"web2"}}`, "no program"},
		"another kind":      {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"fence","name":"web"}}`, "no program"},
		"another variable":  {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"check","name":"web"},"env":["LD_PRELOAD=/tmp/x"]}`, "not a variable"},
		"a false value":     {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"check","name":"web"},"env":["RIPCORD_STATE=$(reboot)"]}`, "cannot be"},
		"twice":             {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"check","name":"web"},"env":["RIPCORD_VRID=1","RIPCORD_VRID=2"]}`, "twice"},
		"another's name":    {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"check","name":"web"},"env":["RIPCORD_NAME=other"]}`, "cannot be"},
		"without arguments": {`{"seq":1,"op":"run","revision":"` + revision + `","program":{"kind":"notify-instance","name":"inside","when":"any"}}`, "missing"},
	} {
		conn := r.connect()
		if _, err := conn.Write([]byte(c.message)); err != nil {
			t.Fatal(err)
		}
		if line := <-r.lines; !strings.Contains(line, c.want) || strings.Contains(line, "\n") || len(line) > 400 {
			t.Errorf("%s: said %q, want %q", name, line, c.want)
		}
		_ = conn.Close()
	}
	conn := r.connect()
	for range maxBad {
		_, _ = conn.Write([]byte("rubbish"))
	}
	for range maxBad {
		<-r.lines
	}
	if line := <-r.lines; !strings.Contains(line, "closed the connection") {
		t.Errorf("said %q", line)
	}
	if got := r.run(t.Context(), "web", time.Minute); got.Err != nil {
		t.Errorf("afterwards: %+v", got)
	}
}

// TestOnce requires that a program runs once at a time, for any number of requests.
func TestOnce(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "pid")
	r := newRig(t, shell("long", "echo $$ >>"+marker+"; exec sleep 60", time.Minute))
	ctx, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() { r.run(ctx, "long", time.Minute) })
	_ = read(t, marker)
	if got := r.run(t.Context(), "long", time.Minute); got.Err == nil || !strings.Contains(got.Err.Error(), "still runs") {
		t.Errorf("the second: %+v", got)
	}
	cancel()
	first.Wait()
}

// TestListen requires that the socket is for one user and root, that a file with its name stays,
// and that a leftover socket is replaced.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "runner.sock")
	listener, err := Listen(path, os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	listener.SetUnlinkOnClose(false)
	r := newRig(t, shell("web", "exit 0", time.Minute))
	stop := commandtest.Running(t, func(ctx context.Context) error { return r.server.ServeAll(ctx, listener, os.Geteuid()) })
	if _, err := Listen(path, os.Geteuid()); err == nil || !strings.Contains(err.Error(), "another ripcord runner") {
		t.Errorf("a second one: %v", err)
	}
	for range maxClients + 1 {
		conn, err := Dial(path)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	commandtest.Eventually(t, func() (bool, string) {
		select {
		case line := <-r.lines:
			return strings.Contains(line, "connected already"), line
		default:
			return false, "more than there may be are connected"
		}
	})
	stop()
	if again, err := Listen(path, os.Geteuid()); err != nil {
		t.Errorf("the leftover socket is not replaced: %v", err)
	} else {
		_ = again.Close()
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, os.Geteuid()); err == nil || !strings.Contains(err.Error(), "file of another kind") {
		t.Errorf("in the place of a file: %v", err)
	}
}

// FuzzRequest requires that no message stops the server, and that an accepted message is a valid
// request.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"seq":1,"op":"run","revision":"a","program":{"kind":"check","name":"web"},"env":["RIPCORD_STATE=MASTER"]}`,
		`{"seq":2,"op":"stop"}`, `{"seq":18446744073709551615,"op":"check","program":{"kind":"notify-instance","name":"i","when":"any"}}`, `[]`, `{"seq":-1}`, "",
	} {
		f.Add([]byte(seed))
	}
	table := NewTable([]Program{shell("web", "exit 0", time.Minute), {command.ID{Kind: command.ForInstance, Name: "i", When: "any"}, command.Command{Argv: []string{"/bin/echo"}}}}, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRequest(data)
		if err != nil {
			return
		}
		c, known, err := table.command(r.Program, r.Env)
		if !known || err != nil {
			return
		}
		if c.Argv[0] != "/bin/sh" && c.Argv[0] != "/bin/echo" || len(c.Argv) > 5 {
			t.Errorf("%s runs %q", data, c.Argv)
		}
		for _, e := range c.Env {
			if !strings.HasPrefix(e, prefix) || !plain(e) {
				t.Errorf("%s sets %q", data, e)
			}
		}
	})
}

// TestStoppedUnrun requires that a program that waits for a lost runner when it is stopped counts
// as not run, and is not reported as stopped.
func TestStoppedUnrun(t *testing.T) {
	client := NewClient(ClientConfig{Revision: "x"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request := command.Request{ID: command.ID{Kind: command.ForCheck, Name: "a"}, Command: command.Command{Timeout: time.Minute}}
	client.Run(ctx, request, func(got command.Result) {
		if !errors.Is(got.Err, command.ErrLost) || errors.Is(got.Err, context.Canceled) {
			t.Errorf("%v, want an error for a lost program", got.Err)
		}
	})
}
