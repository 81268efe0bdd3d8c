package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/control"
)

// commandLines returns the command lines of all processes that have a text in theirs, by
// number.
func commandLines(t *testing.T, text string) map[int]string {
	t.Helper()
	found := make(map[int]string)
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), text) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		found[pid] = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return found
}

// soon waits until something holds, for as long as patience.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	soonWithin(t, patience, what, holds)
}

// soonWithin does what soon does, for another time.
func soonWithin(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !holds(); time.Sleep(often) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// confined checks that a process has no rights except those of the daemon, and can get no others.
func confined(t *testing.T, status string, capabilities, bounding uint64) {
	t.Helper()
	set := fmt.Sprintf("%016x\n", capabilities)
	for _, want := range []string{"CapPrm:\t" + set, "CapEff:\t" + set, fmt.Sprintf("CapBnd:\t%016x\n", bounding), "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("its status has no %q:\n%s", want, status)
		}
	}
}

// TestRunnerLost: the daemon has only the rights that it needs. When its runner is killed, that
// is logged, counted and shown, what ran is killed, another one goes on, and nothing moves; when
// the daemon is killed, its runner and all that ran ends, too.
func TestRunnerLost(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	hang := s.script("hang", "echo begun; sleep 4711")
	s.setCheck("a", "up")
	yaml := s.withCheck("a", 150, "{check: web}") + fmt.Sprintf("notify: {any: [%s]}\n", hang)
	began := time.Now()
	b := s.start("b", router{100, time.Second, ""})
	b.becomes("active", began, 9*time.Second)
	a := s.startYAML("a", yaml)
	a.becomes("active", began, 9*time.Second)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.Command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", a.Command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	rights := uint64(unitAmbient | 1<<23) // CAP_SYS_NICE, which is the runner's where that is a unit of its own
	if !regexp.MustCompile(`Max locked memory\s+unlimited`).Match(limits) {
		rights |= 1 << 14 // CAP_IPC_LOCK, where the limit could not be lifted
	}
	confined(t, string(status), rights, rights)

	soon(t, "the notify command runs", func() bool { return len(commandLines(t, hang)) > 0 })
	underWay := commandLines(t, hang)
	was := a.status().Runner
	if was == nil || !was.Ready || was.Lost != 0 {
		t.Fatalf("the runner is %+v", was)
	}
	at := time.Now()
	if err := syscall.Kill(was.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if lost := a.wait(at, patience, "runner.lost", is("runner.lost")); lost.Level != "error" || lost.TS.Sub(at) > time.Second {
		t.Errorf("%s after %v: %s", lost.Level, lost.TS.Sub(at), lost.Msg)
	}
	ran := a.wait(at, patience, "the notify command that was under way", is("notify.ran"))
	if ran.Result != "unrun" || !strings.Contains(ran.Msg, "lost") {
		t.Errorf("%s: %s", ran.Result, ran.Msg)
	}
	a.wait(at, patience, "another runner", is("runner.ready"))
	var now *control.Runner
	soon(t, "status shows it", func() bool { now = a.status().Runner; return now.Ready })
	if now.PID == was.PID || now.Lost != 1 || now.Error != "" {
		t.Errorf("the runner is %+v, was %+v", now, was)
	}
	soon(t, "what ran has ended", func() bool { // the next command, for MASTER, may run by now
		for pid := range commandLines(t, hang) {
			if _, ran := underWay[pid]; ran {
				return false
			}
		}
		return true
	})
	time.Sleep(300 * time.Millisecond) // some runs of the check
	if moves := a.moves(at); len(moves) > 0 {
		t.Errorf("it moved: %+v", moves)
	}
	failed := s.setCheck("a", "down")
	a.becomes("fault", failed, patience)

	soon(t, "the next notify command runs", func() bool { return len(commandLines(t, hang)) > 0 })
	path := filepath.Join(s.Dir, "a.yaml")
	if lines := commandLines(t, path); len(lines) < 3 {
		t.Errorf("there are %v, want the daemon, its keeper and its runner", lines)
	}
	a.kill()
	soon(t, "the runner and what it ran has ended", func() bool { return len(commandLines(t, path))+len(commandLines(t, hang)) == 0 })
}

// TestKeeperLost: when the process that would start the runner again is killed, alone, that is
// logged, counted and shown, and commands go on.
func TestKeeperLost(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	s.setCheck("a", "up")
	began := time.Now()
	a := s.startYAML("a", s.withCheck("a", 150, "{check: web}"))
	a.becomes("active", began, 9*time.Second)
	at := time.Now()
	for pid, line := range commandLines(t, filepath.Join(s.Dir, "a.yaml")) {
		if strings.Contains(line, " runner --keep ") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if lost := a.wait(at, patience, "what to do", is("runner.unkept")); lost.Level != "error" || !strings.Contains(lost.Msg, "restart ripcord") {
		t.Errorf("%s: %s", lost.Level, lost.Msg)
	}
	if r := a.status().Runner; !r.Unkept || !r.Ready || r.Lost != 0 {
		t.Errorf("the runner is %+v", r)
	}
	if text := s.ripcord("a", "status", "--socket", s.socket("a")).out; !strings.Contains(text, "Nobody would start ripcord runner again") {
		t.Errorf("status does not show it:\n%s", text)
	}
	failed := s.setCheck("a", "down")
	a.becomes("fault", failed, patience)
	a.signal(syscall.SIGTERM)
	<-a.Exited
	soon(t, "nothing is left", func() bool { return len(commandLines(t, filepath.Join(s.Dir, "a.yaml"))) == 0 })
}

// TestRunnerStops checks that a daemon that stops leaves no process, and that a daemon whose runner
// and keeper are gone logs what to do, and continues to serve.
func TestRunnerStops(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 9*time.Second)
	soon(t, "the runner is ready", func() bool { return a.status().Runner.Ready })
	at := time.Now()
	for pid, line := range commandLines(t, filepath.Join(s.Dir, "a.yaml")) {
		if strings.Contains(line, " runner ") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	a.wait(at, patience, "what to do", func(l line) bool { return l.Event == "runner.lost" && strings.Contains(l.Msg, "restart ripcord") })
	if moves := a.moves(at); len(moves) > 0 || a.state() != "active" {
		t.Errorf("it is %s, and moved: %+v", a.state(), moves)
	}
	text := s.ripcord("a", "status", "--socket", s.socket("a")).out
	if !strings.Contains(text, "No check, notify or fence command runs") {
		t.Errorf("status does not show it:\n%s", text)
	}
	a.signal(syscall.SIGTERM)
	<-a.Exited
	soon(t, "nothing is left", func() bool { return len(commandLines(t, filepath.Join(s.Dir, "a.yaml"))) == 0 })
	lines := a.log(at)
	if lost := slices.DeleteFunc(lines, func(l line) bool { return l.Event != "runner.lost" }); len(lost) > 2 {
		t.Errorf("it was reported %d times", len(lost))
	}
}
