package notify

import (
	"context"
	"fmt"
	"net/netip"
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

// recorder runs a Runner and keeps its reports; the commands write into a file.
type recorder struct {
	*Runner
	t    *testing.T
	file string
	mu   sync.Mutex
	ran  []Ran
	stop func()
}

func start(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{t: t, file: filepath.Join(t.TempDir(), "written")}
	r.Runner = New(command.Local{}, func(ran Ran) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ran = append(r.ran, ran)
	})
	r.stop = commandtest.Running(t, r.Run)
	return r
}

// sh returns a command in whose script FILE is replaced by the file that written reads.
func (r *recorder) sh(script string) *Command {
	return &Command{Argv: []string{"/bin/sh", "-c", strings.ReplaceAll(script, "FILE", r.file), "sh"}}
}

func (r *recorder) written() string {
	b, _ := os.ReadFile(r.file)
	return strings.Join(strings.Split(strings.TrimSpace(string(b)), "\n"), ", ")
}

func (r *recorder) wait(want string) {
	r.t.Helper()
	commandtest.Eventually(r.t, func() (bool, string) {
		got := r.written()
		return got == want, fmt.Sprintf("written is\n%s, want\n%s", got, want)
	})
}

// reports returns the reports, as "MASTER: error".
func (r *recorder) reports() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var words []string
	for _, ran := range r.ran {
		word := ran.State()
		if ran.Err != nil {
			word += ": " + ran.Err.Error()
		}
		if ran.Merged > 0 {
			word += fmt.Sprint("+", ran.Merged)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// TestKeepalived1055Order: keepalived forks each script and forgets it, so the one for MASTER may
// still run, and end, after that for a later BACKUP. Here commands run in the order of the
// transitions, one at a time, even if the first are the slowest.
func TestKeepalived1055Order(t *testing.T) {
	r := start(t)
	commands := Commands{
		Active: r.sh("echo active begins >> FILE; sleep 0.2; echo active ends >> FILE"),
		Any:    r.sh(`echo "$@" $RIPCORD_PREVIOUS >> FILE`),
		Backup: r.sh("echo backup $# >> FILE"),
	}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.Notify(inside(event.Active, event.Backup), commands)
	r.Notify(inside(event.Backup, event.Fault), commands, Commands{Any: r.sh("echo everybody >> FILE")})
	r.wait("active begins, active ends, INSTANCE inside MASTER 150 BACKUP, backup 0, INSTANCE inside BACKUP 150 MASTER, INSTANCE inside FAULT 150 BACKUP, everybody")
	commandtest.Eventually(t, func() (bool, string) {
		got := r.reports()
		return got == "MASTER, MASTER, BACKUP, BACKUP, FAULT, FAULT", got
	})
}

// TestKeepalived2389LastState: when scripts of keepalived overlap, the last one to finish need not
// be that of the last state. Here a command that never ends delays only its own name, until its
// timeout, and the last transition is not lost.
func TestKeepalived2389LastState(t *testing.T) {
	r := start(t)
	stuck := r.sh("trap '' TERM; echo stuck >> FILE; while :; do sleep 0.1; done")
	stuck.Timeout = 2 * time.Second
	commands := Commands{Active: stuck, Backup: r.sh("echo backup >> FILE")}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.wait("stuck")
	r.Notify(inside(event.Active, event.Backup), commands)
	other := inside(event.Backup, event.Active)
	other.Name = "outside"
	r.Notify(other, Commands{Active: r.sh("echo other >> FILE")})
	r.wait("stuck, other, backup")
	commandtest.Eventually(t, func() (bool, string) {
		got := r.reports()
		return got == "MASTER, MASTER: timed out after 2s, BACKUP", got
	})
}

// TestSlowCommandYields: a command without a timeout continues as in keepalived, but makes room for
// the next transition of its name, with the others of its own transition, and for other names while
// Limit run.
func TestSlowCommandYields(t *testing.T) {
	r := start(t)
	r.yieldAfter = 300 * time.Millisecond
	commands := Commands{Active: r.sh("echo active >> FILE; exec sleep 1000"), Any: r.sh("echo any >> FILE"), Backup: r.sh("echo backup >> FILE")}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.wait("active")
	time.Sleep(3 * r.yieldAfter)
	if got := r.reports(); got != "" {
		t.Fatalf("nothing waits, and the command was stopped: %s", got)
	}
	r.Notify(inside(event.Active, event.Backup), commands)
	r.wait("active, any, backup, any")
	const reason = "timed out: another transition waits, and it has run for more than 300ms"
	commandtest.Eventually(t, func() (bool, string) {
		got := r.reports()
		return got == "MASTER: "+reason+", MASTER, BACKUP, BACKUP", got
	})

	for i := range Limit + 1 {
		other := inside(event.Backup, event.Active)
		other.Name = fmt.Sprint("i", i)
		r.Notify(other, Commands{Active: r.sh("exec sleep 1000")})
	}
	commandtest.Eventually(t, func() (bool, string) {
		stopped := strings.Count(r.reports(), reason)
		return stopped > 1, fmt.Sprintf("%d were stopped", stopped)
	})
}

// TestMergedIsReported requires that omitted transitions are counted once, with the first command
// that runs afterwards.
func TestMergedIsReported(t *testing.T) {
	r := start(t)
	commands := Commands{Active: r.sh("echo begun >> FILE; sleep 0.5"), Stop: r.sh(":"), Any: r.sh(":")}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.wait("begun")
	r.Notify(inside(event.Active, event.Backup), commands)
	r.Notify(inside(event.Backup, event.Fault), commands)
	r.Notify(inside(event.Fault, event.Initialize), commands)
	if _, err := r.drain(commandtest.MaxWait); err != nil {
		t.Fatal(err)
	}
	if got := r.reports(); got != "MASTER, MASTER, STOP+2, STOP" {
		t.Errorf("the reports are %s", got)
	}
}

// TestLimit: a thousand instances move at once; their commands run, at most Limit at a time.
func TestLimit(t *testing.T) {
	r := start(t)
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	c := Commands{Active: r.sh("echo x >> FILE; read -r line < " + gate)}
	const names = Limit + 20
	for i := range names {
		tr := inside(event.Backup, event.Active)
		tr.Name = fmt.Sprint("i", i)
		r.Notify(tr, c)
	}
	running := func() int { return strings.Count(r.written(), "x") }
	commandtest.Eventually(t, func() (bool, string) { return running() >= Limit, fmt.Sprintf("%d run", running()) })
	time.Sleep(100 * time.Millisecond)
	if n := running(); n != Limit {
		t.Errorf("%d run at once, want %d", n, Limit)
	}
	commandtest.Eventually(t, func() (bool, string) {
		if writer, err := os.OpenFile(gate, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_ = writer.Close() // a process that waits in open reads the end of the file
		}
		return running() == names, fmt.Sprintf("%d ran", running())
	})
}

func (r *recorder) drain(within time.Duration) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	begun := time.Now()
	err = r.Drain(ctx)
	return time.Since(begun), err
}

// TestDrain requires that the commands for stop are awaited at shutdown, and no longer.
func TestDrain(t *testing.T) {
	r := start(t)
	if took, err := r.drain(commandtest.MaxWait); err != nil || took > 5*time.Second {
		t.Fatalf("with nothing to do: %v, after %v", err, took)
	}
	commands := Commands{Active: r.sh("sleep 0.2"), Backup: r.sh("echo backup >> FILE"), Stop: r.sh("sleep 0.2; echo stopped >> FILE")}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.Notify(inside(event.Active, event.Backup), commands)
	r.Notify(inside(event.Backup, event.Initialize), commands)
	if _, err := r.drain(commandtest.MaxWait); err != nil {
		t.Fatal(err)
	}
	if got := r.written(); got != "stopped" && got != "backup, stopped" { // backup was last when the others had not come
		t.Errorf("the file contains %s", got)
	}
}

// TestDrainKillsWhatIsSuperseded requires that a hanging command for an earlier state does not
// prevent the one for stop.
func TestDrainKillsWhatIsSuperseded(t *testing.T) {
	r := start(t)
	commands := Commands{Active: r.sh("echo hangs >> FILE; exec sleep 1000"), Stop: r.sh("echo stopped >> FILE")}
	r.Notify(inside(event.Backup, event.Active), commands)
	r.wait("hangs")
	r.Notify(inside(event.Active, event.Initialize), commands)
	took, err := r.drain(4 * time.Second)
	if err != nil || took < 2*time.Second {
		t.Errorf("got %v after %v", err, took)
	}
	if got := r.written(); got != "hangs, stopped" {
		t.Errorf("the file contains %s", got)
	}
	if got := r.reports(); got != "MASTER: context canceled, STOP" {
		t.Errorf("the reports are %s", got)
	}
}

// TestDrainNamesWhatHangs requires that a command that does not end is named, and killed with the
// runner.
func TestDrainNamesWhatHangs(t *testing.T) {
	r := start(t)
	hang := "echo $$ >> FILE; exec sleep 1000"
	r.Notify(inside(event.Active, event.Initialize), Commands{Stop: r.sh(hang)})
	if err := r.Fence(Fence{Name: "edge", Argv: r.sh("exec sleep 1000").Argv, Timeout: time.Hour}, func(command.Result) {}); err != nil {
		t.Fatal(err)
	}
	commandtest.Eventually(t, func() (bool, string) { return r.written() != "", "it does not run" })
	_, err := r.drain(100 * time.Millisecond)
	if err == nil || err.Error() != "notify commands did not end in time: edge (fence), inside (STOP)" {
		t.Errorf("got %v", err)
	}
	pid := r.written()
	r.stop()
	if _, err := os.Stat("/proc/" + pid); err == nil {
		t.Errorf("process %s is left", pid)
	}
}

// TestFence checks the environment and the result of a fence command, and that the next one can
// start as soon as the result of the last one is there, even if the last one was slow to end after
// its timeout.
func TestFence(t *testing.T) {
	r := start(t)
	results := make(chan command.Result, 1)
	fence := func(script string, timeout time.Duration) error {
		return r.Fence(Fence{
			Argv: r.sh(script).Argv, Timeout: timeout, Name: "edge", Interface: "eth0", VRID: 51,
			Active: netip.MustParseAddr("192.0.2.2"), Trace: 0xabc,
		}, func(got command.Result) { results <- got })
	}
	result := func(want string) command.Result {
		t.Helper()
		select {
		case got := <-results:
			text := ""
			if got.Err != nil {
				text = got.Err.Error()
			}
			if text != want {
				t.Errorf("the result is %q, want %q", text, want)
			}
			return got
		case <-time.After(commandtest.MaxWait):
			t.Fatal("there is no result")
		}
		return command.Result{}
	}
	run := func(script string, timeout time.Duration) {
		t.Helper()
		if err := fence(script, timeout); err != nil {
			t.Fatal(err)
		}
	}
	run("env | grep ^RIPCORD_ | sort", 0)
	got := result("")
	if want := "RIPCORD_ACTIVE=192.0.2.2\nRIPCORD_INTERFACE=eth0\nRIPCORD_NAME=edge\nRIPCORD_TRACE=0000000000000abc\nRIPCORD_VRID=51"; got.Output != want {
		t.Errorf("the output is\n%s, want\n%s", got.Output, want)
	}
	run("echo refused; exit 2", 0)
	if got := result("exit status 2"); got.Output != "refused" {
		t.Errorf("the output is %q", got.Output)
	}
	run("trap '' TERM; while :; do sleep 0.1; done", time.Second)
	if err := fence("true", 0); err == nil || err.Error() != "a fence command of edge still runs" {
		t.Errorf("a second fence command at once: %v", err)
	}
	result("timed out after 1s")
	run("exit 3", 0)
	result("exit status 3")
}
