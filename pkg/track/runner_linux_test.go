package track

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/command/commandtest"
)

// recorder runs a Runner and keeps its reports.
type recorder struct {
	*Runner
	t       *testing.T
	mu      sync.Mutex
	reports []Report
	stop    func()
}

func start(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{t: t}
	r.Runner = New(command.Local{}, nil, func(report Report) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reports = append(r.reports, report)
	})
	r.stop = commandtest.Running(t, r.Run)
	return r
}

func (r *recorder) apply(specs ...Spec) {
	r.t.Helper()
	if err := r.Apply(specs); err != nil {
		r.t.Fatal(err)
	}
}

// story returns the reported states of a check, as "waiting up down", with values and errors.
func (r *recorder) story(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var words []string
	for _, report := range r.reports {
		if report.Name != name {
			continue
		}
		word := report.State.String()
		if report.Value != 0 {
			word += fmt.Sprint(report.Value)
		}
		if report.State == Up && report.Err != nil {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (r *recorder) wait(name, want string) {
	r.t.Helper()
	commandtest.Eventually(r.t, func() (bool, string) {
		got := r.story(name)
		return got == want, fmt.Sprintf("%s: %s; want %s", name, got, want)
	})
}

// last returns the last report of a check.
func (r *recorder) last(name string) (last Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, report := range r.reports {
		if report.Name == name {
			last = report
		}
	}
	return last
}

func (r *recorder) status(name string) Status {
	for _, s := range r.Snapshot() {
		if s.Name == name {
			return s
		}
	}
	return Status{}
}

// fake is a probe whose result the test sets.
type fake struct {
	pass *atomic.Bool
	runs *atomic.Int64
	hang bool
}

func newFake() fake { return fake{pass: new(atomic.Bool), runs: new(atomic.Int64)} }

func (fake) String() string  { return "fake" }
func (fake) validate() error { return nil }
func (f fake) open(_ *machine, s *Spec) prober {
	return &timed{s.EffectiveTimeout(), func(ctx context.Context) (string, error) {
		f.runs.Add(1)
		if f.hang {
			<-ctx.Done()
			return "", ctx.Err()
		}
		if !f.pass.Load() {
			return "no", errors.New("it fails")
		}
		return "yes", nil
	}}
}

const soon = 10 * time.Millisecond // the interval of most checks here

func TestReports(t *testing.T) {
	r, f := start(t), newFake()
	r.apply(Spec{Name: "a", Interval: soon, Rise: 2, Fall: 2, Probe: f})
	r.wait("a", "waiting down")
	if last := r.last("a"); !last.Ran || last.Output != "no" || text(last.Err) != "it fails" || last.At.IsZero() {
		t.Errorf("got %+v", last)
	}
	f.pass.Store(true)
	r.wait("a", "waiting down up")
	runs := f.runs.Load()
	commandtest.Eventually(t, func() (bool, string) { return f.runs.Load() > runs+5, "the runs have ended" })
	if got := r.story("a"); got != "waiting down up" {
		t.Errorf("results without change were reported: %s", got)
	}
	s := r.status("a")
	if s.State != Up || s.Checks != "fake" || s.Runs < 8 || s.Failed < 1 || s.Failed >= s.Runs || s.Output != "yes" || s.Err != nil {
		t.Errorf("got %+v", s)
	}
}

// TestFirstResult requires that the first result is reported although it changes nothing.
func TestFirstResult(t *testing.T) {
	r, f := start(t), newFake()
	f.pass.Store(true)
	r.apply(Spec{Name: "a", Interval: soon, Initial: Pass, Probe: f}, Spec{Name: "b", Interval: soon, Initial: Fail, Probe: f})
	r.wait("a", "up up")
	r.wait("b", "down up")
}

func TestApplyRefuses(t *testing.T) {
	r, f := start(t), newFake()
	r.apply(Spec{Name: "a", Interval: soon, Probe: f})
	r.wait("a", "waiting down")
	err := r.Apply([]Spec{{Name: "b", Interval: soon, Probe: f}, {Name: "b", Interval: 0, Probe: f}})
	if got := text(err); got != "check b: interval 0s is too short: at least 10ms\ncheck b: there are two of this name" {
		t.Errorf("got %s", got)
	}
	if s := r.Snapshot(); len(s) != 1 || s[0].Name != "a" {
		t.Errorf("the set changed: %+v", s)
	}
}

// TestApply requires that only the differences of a new set start or stop checks.
func TestApply(t *testing.T) {
	r := start(t)
	same, gone, other := newFake(), newFake(), newFake()
	same.pass.Store(true)
	slow := time.Hour // one run, at the start
	r.apply(
		Spec{Name: "same", Interval: slow, Probe: same},
		Spec{Name: "gone", Interval: soon, Probe: gone},
		Spec{Name: "other", Interval: soon, Probe: other},
		Spec{Name: "timing", Interval: slow, Probe: same},
	)
	for _, name := range []string{"same", "timing"} {
		r.wait(name, "waiting up")
	}
	for _, name := range []string{"gone", "other"} {
		r.wait(name, "waiting down")
	}
	before := r.status("same")
	changed := newFake()
	changed.pass.Store(true)
	r.apply(
		Spec{Name: "same", Interval: slow, Probe: same},
		Spec{Name: "other", Interval: soon, Probe: changed},
		Spec{Name: "timing", Interval: soon, Fall: 3, Probe: same},
		Spec{Name: "new", Interval: soon, Probe: changed},
	)
	r.wait("new", "waiting up")
	r.wait("other", "waiting down waiting up")
	commandtest.Eventually(t, func() (bool, string) { s := r.status("timing"); return s.Runs > 5, fmt.Sprintf("%+v", s) })
	if got := r.story("timing"); got != "waiting up" {
		t.Errorf("a check with another interval lost its state: %s", got)
	}
	if after := r.status("same"); after != before {
		t.Errorf("the unchanged check is %+v, was %+v", after, before)
	}
	if s := r.status("gone"); s.Name != "" {
		t.Errorf("the removed check is still there: %+v", s)
	}
	runs := gone.runs.Load()
	time.Sleep(5 * soon)
	if gone.runs.Load() != runs {
		t.Error("the removed check still runs")
	}
}

// TestCommandOneAtATime requires that there is one run of a check at a time, and that a command
// that ignores SIGTERM is reported at its timeout.
func TestCommandOneAtATime(t *testing.T) {
	dir := t.TempDir()
	last, twice := filepath.Join(dir, "last"), filepath.Join(dir, "twice")
	script := fmt.Sprintf(`trap '' TERM; read -r pid < %[1]s && kill -0 "$pid" && echo "$pid" >> %[2]s; echo $$ > %[1]s; while :; do sleep 0.1; done`, last, twice)
	const timeout = 500 * time.Millisecond
	r := start(t)
	r.apply(Spec{Name: "a", Interval: timeout, Initial: Pass, Probe: Command{Argv: []string{"/bin/sh", "-c", script}}})
	r.wait("a", "up down")
	if down := r.last("a"); text(down.Err) != "timed out after 500ms" || down.Took < timeout || down.Took > timeout+900*time.Millisecond {
		t.Errorf("got %q after %v", text(down.Err), down.Took)
	}
	commandtest.Eventually(t, func() (bool, string) { s := r.status("a"); return s.Runs >= 3, fmt.Sprintf("%+v", s) })
	if s := r.status("a"); s.Skipped == 0 {
		t.Errorf("no skipped runs are counted: %+v", s)
	}
	if b, err := os.ReadFile(twice); err == nil {
		t.Errorf("two ran at once: %s", b)
	}
	if _, err := os.Stat(last); err != nil {
		t.Error(err)
	}
}

// TestCommandReplaced requires that a command that replaces another starts when that one has been
// killed.
func TestCommandReplaced(t *testing.T) {
	first := filepath.Join(t.TempDir(), "first")
	r := start(t)
	spec := func(script string) Spec {
		return Spec{Name: "a", Interval: time.Minute, Probe: Command{Argv: []string{"/bin/sh", "-c", fmt.Sprintf(script, first)}}}
	}
	r.apply(spec(`trap '' TERM; echo $$ > %s; while :; do sleep 0.1; done`))
	commandtest.Eventually(t, func() (bool, string) {
		b, err := os.ReadFile(first)
		return err == nil && len(b) > 1, "the first one does not run"
	})
	r.apply(spec(`read -r pid < %s; kill -0 "$pid" 2>&1 && echo "$pid runs"`))
	r.wait("a", "waiting waiting down")
	if got := r.last("a").Output; !strings.Contains(got, "No such process") {
		t.Errorf("the output of the second command is %q", got)
	}
}

// TestLateResult requires that the result of a check that was replaced meanwhile does not count.
func TestLateResult(t *testing.T) {
	r := New(command.Local{}, nil, func(report Report) { t.Errorf("reported: %+v", report) })
	old, now := &task{spec: Spec{Name: "a"}}, &task{spec: Spec{Name: "a"}}
	r.tasks["a"] = now
	r.absorb(outcome{old, result{pass: true}})
	if now.health.state != Waiting || len(r.Snapshot()) != 0 {
		t.Error("the late result counted")
	}
}

// TestCommandRefused requires that a missing command, or one that any user may replace, fails with
// the reason.
func TestCommandRefused(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("#!/bin/sh\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	r := start(t)
	r.apply(
		Spec{Name: "none", Interval: soon, Probe: Command{Argv: []string{"/no/such/check"}}},
		Spec{Name: "open", Interval: soon, Probe: Command{Argv: []string{open}}},
		Spec{Name: "true", Interval: soon, Timeout: time.Minute, Probe: Command{Argv: []string{"true"}}},
	)
	r.wait("none", "waiting down")
	r.wait("open", "waiting down")
	r.wait("true", "waiting up")
	if got := text(r.last("none").Err); got != "/no/such/check does not exist" {
		t.Errorf("got %q", got)
	}
	if got := text(r.last("open").Err); !strings.Contains(got, "is writable by everybody (mode 0777)") {
		t.Errorf("got %q", got)
	}
}

// TestHangingChecksDisturbNobody requires that hanging checks do not delay the others: 1,000 runs a
// second are due beside 50 that hang, and the others keep their interval.
func TestHangingChecksDisturbNobody(t *testing.T) {
	const checks, hanging, interval = 100, 50, 100 * time.Millisecond
	r, f := start(t), newFake()
	f.pass.Store(true)
	stuck := newFake()
	stuck.hang = true
	var specs []Spec
	for i := range checks {
		specs = append(specs, Spec{Name: fmt.Sprint("good", i), Interval: interval, Probe: f})
	}
	for i := range hanging {
		specs = append(specs, Spec{Name: fmt.Sprint("stuck", i), Interval: interval, Timeout: time.Hour, Probe: stuck})
	}
	r.apply(specs...)
	commandtest.Eventually(t, func() (bool, string) { return stuck.runs.Load() == hanging, "not all hang" })
	before, begun := f.runs.Load(), time.Now()
	time.Sleep(time.Second)
	rate := float64(f.runs.Load()-before) / time.Since(begun).Seconds()
	if rate < 800 || rate > 1100 {
		t.Errorf("%.0f runs a second, want 1000", rate)
	}
	if stuck.runs.Load() != hanging {
		t.Error("a check that hangs was run again")
	}
	stopping := time.Now()
	r.stop()
	if took := time.Since(stopping); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// TestStopIsNoFailure requires that a stopped run has no result.
func TestStopIsNoFailure(t *testing.T) {
	for range 50 {
		f := newFake()
		f.hang = true
		k := &task{schedule: NewSchedule(time.Now(), soon, 0), prober: f.open(nil, &Spec{Interval: time.Hour}), ended: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan outcome, 1)
		go k.run(ctx, results)
		commandtest.Eventually(t, func() (bool, string) { return f.runs.Load() == 1, "it does not run" })
		cancel()
		<-k.ended
		if len(results) > 0 {
			t.Fatalf("the result is %+v", <-results)
		}
	}
}

// TestRunLeavesNothing requires that Run leaves no process, descriptor or goroutine, whatever ran.
func TestRunLeavesNothing(t *testing.T) {
	count := func() (descriptors, goroutines int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries), runtime.NumGoroutine()
	}
	once := func() {
		r := start(t)
		sh := func(script string) Command { return Command{Argv: []string{"/bin/sh", "-c", script}} }
		r.apply(
			Spec{Name: "hangs", Interval: soon, Timeout: time.Hour, Probe: sh("sleep 1000")},
			Spec{Name: "ignores", Interval: 50 * time.Millisecond, Probe: sh("trap '' TERM; while :; do sleep 1; done")},
			Spec{Name: "forks", Interval: soon, Timeout: time.Second, Probe: sh("sleep 1000 & sleep 1000 & exit 1")},
			Spec{Name: "prints", Interval: 50 * time.Millisecond, Probe: sh("yes")},
			Spec{Name: "file", Interval: soon, Probe: File{Path: filepath.Join(t.TempDir(), "f"), Weight: 1}},
			Spec{Name: "process", Interval: soon, Probe: Process{Name: "no-such", Min: 1}},
			Spec{Name: "tcp", Interval: soon, Probe: TCP{"127.0.0.1:1"}},
			Spec{Name: "http", Interval: soon, Probe: HTTP{URL: "http://127.0.0.1:1/"}},
		)
		for _, name := range []string{"ignores", "forks", "prints", "process", "tcp", "http"} {
			r.wait(name, "waiting down")
		}
		r.stop()
	}
	once()
	descriptors, goroutines := count()
	for range 3 {
		once()
	}
	commandtest.Eventually(t, func() (bool, string) {
		d, g := count()
		return d <= descriptors && g <= goroutines,
			fmt.Sprintf("descriptors %d, goroutines %d; there were %d, %d", d, g, descriptors, goroutines)
	})
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: pid %d, %v", pid, err)
	}
}

func TestRunOnce(t *testing.T) {
	up := RunOnce(t.Context(), Spec{Name: "a", Interval: time.Second, Rise: 5, Probe: Command{Argv: []string{"echo", "well"}}})
	if up.Name != "a" || up.State != Up || up.Output != "well" || up.Err != nil || !up.Ran || up.Took <= 0 {
		t.Errorf("got %+v", up)
	}
	down := RunOnce(t.Context(), Spec{Name: "a", Interval: time.Second, Initial: Pass, Fall: 5, Probe: Command{Argv: []string{"false"}}})
	if down.State != Down || text(down.Err) != "exit status 1" {
		t.Errorf("got %+v", down)
	}
	const more = " (more output followed; only the first 4096 bytes are kept)"
	for output, want := range map[string]string{
		"backend down":                   "exit status 3: backend down",
		"asking\nbackend down\n":         "exit status 3: backend down",
		strings.Repeat("x", 300):         "exit status 3: " + strings.Repeat("x", 200) + "…",
		strings.Repeat("again\n", 1000):  "exit status 3: again" + more, // cut after "agai"
		strings.Repeat("x", 5000) + "\n": "exit status 3: " + strings.Repeat("x", 200) + "…" + more,
	} {
		down := RunOnce(t.Context(), Spec{Name: "a", Interval: time.Second, Probe: Command{Argv: []string{"sh", "-c", `printf %s "$1"; exit 3`, "sh", output}}})
		if got := text(down.Err); got != want {
			t.Errorf("the error for the output %.20q is %q, want %q", output, got, want)
		}
	}
	if bad := RunOnce(t.Context(), Spec{Name: "a"}); bad.State != Down || !strings.Contains(text(bad.Err), "nothing to check") {
		t.Errorf("got %+v", bad)
	}
}
