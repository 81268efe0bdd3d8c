package lab

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/control"
)

// outcome is what a command of ripcord, run to its end on a host, brought.
type outcome struct {
	out, err string
	code     int
}

// ripcord runs a command of the binary on a host.
func (s *site) ripcord(host string, args ...string) outcome {
	s.t.Helper()
	return s.run(host, exec.Command(binary, args...))
}

// run runs a command to its end on a host.
func (s *site) run(host string, command *exec.Cmd) outcome {
	s.t.Helper()
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	command.WaitDelay = time.Second
	if err := s.Host(host).Start(command); err != nil {
		s.t.Fatal(err)
	}
	watchdog := time.AfterFunc(10*time.Second, func() { _ = command.Process.Kill() })
	defer watchdog.Stop()
	_ = command.Wait() // the exit code is judged
	return outcome{out.String(), errs.String(), command.ProcessState.ExitCode()}
}

// TestNotifyReady checks the notifications to the service manager: ready when the control socket
// answers; reloading, with the time, and ready again with the new configuration; and stopping.
func TestNotifyReady(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	path := filepath.Join(s.Dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hears := func(want string) (lines []string) {
		t.Helper()
		buffer := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(5 * time.Second))
		for {
			n, err := manager.Read(buffer)
			if err != nil {
				t.Fatalf("the service manager did not hear %s: %v", want, err)
			}
			if got := strings.Split(string(buffer[:n]), "\n"); got[0] == want {
				return got
			}
		}
	}
	config := s.configure("a", router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
	command := exec.Command(binary, "run", "--config", config)
	command.Env = append(os.Environ(), "NOTIFY_SOCKET="+path)
	a := s.startCommand("a", command)
	hears("READY=1")
	if st := a.status(); len(st.Instances) != 1 {
		t.Errorf("ready, and its status has %d instances, want 1", len(st.Instances))
	}
	for _, priority := range []int{120, 300} { // which cannot be taken, and ends the reload as well
		s.rewrite("a", router{priority, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
		before := monotonic(t)
		a.signal(syscall.SIGHUP)
		var stamp int64
		if said := hears("RELOADING=1"); len(said) != 2 {
			t.Errorf("the service manager heard %q", said)
		} else if _, err := fmt.Sscanf(said[1], "MONOTONIC_USEC=%d", &stamp); err != nil || stamp < before || stamp > monotonic(t) {
			t.Errorf("the service manager heard %q, want a time from %d to %d", said, before, monotonic(t))
		}
		hears("READY=1")
		if st := a.status(); st.Instances[0].Priority != 120 {
			t.Errorf("ready after the reload, and its priority is %d, want 120", st.Instances[0].Priority)
		}
	}
	a.signal(syscall.SIGTERM)
	hears("STOPPING=1")
	<-a.Exited
	if a.Err != nil {
		t.Errorf("it ended with %v, want exit 0", a.Err)
	}
}

// monotonic returns the time in µs of the clock by which the service manager distinguishes the answer
// to its signal from that to an earlier signal (sd_notify(3)).
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / 1000
}

// TestWatchdogIsFed checks that the daemon feeds the service manager's watchdog several times
// within its limit, and stops when a part hangs: here the loop.
func TestWatchdogIsFed(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	path := filepath.Join(s.Dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config := s.configure("a", router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
	command := exec.Command(self)
	command.Env = append(os.Environ(), hangs+"="+config, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=2000000")
	a := s.startCommand("a", command)
	fed := func(within time.Duration) (n int) {
		buffer := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(within))
		for {
			got, err := manager.Read(buffer)
			if err != nil {
				return n
			}
			if string(buffer[:got]) == "WATCHDOG=1" {
				n++
			}
		}
	}
	a.becomes("active", time.Time{}, 5*time.Second)
	if n := fed(4 * time.Second); n < 4 {
		t.Errorf("fed %d times in twice the limit, want about 10", n)
	}
	hung := a.signal(syscall.SIGUSR2) // for five seconds
	fed(time.Second)
	if n := fed(3 * time.Second); n > 0 {
		t.Errorf("fed %d times while the loop hangs", n)
	}
	if logged := a.wait(hung, 5*time.Second, "what hangs", is("daemon.hung")); logged.Level != "error" || !strings.Contains(logged.Msg, "router") {
		t.Errorf("%s: %s", logged.Level, logged.Msg)
	}
}

// configure writes a configuration file.
func (s *site) configure(name, yaml string) string {
	s.t.Helper()
	path := filepath.Join(s.Dir, name+".yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// TestCheckCommand checks that `check` and `run --check` accept a valid file, and print every
// problem of an invalid one with its line and column. Neither starts a daemon.
func TestCheckCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	good := router{150, time.Second, ""}.yaml(s, s.socket("a"))
	path := s.configure("good", good)
	for _, args := range [][]string{{"check", path}, {"check", "--config", path}, {"run", "--check", "--config", path}} {
		got := s.ripcord("a", args...)
		if got.code != 0 || !strings.Contains(got.out, path+" is good: 1 instance") || got.err != "" {
			t.Errorf("ripcord %v: exit %d, stdout %q, stderr %q", args, got.code, got.out, got.err)
		}
	}
	bad := strings.NewReplacer("vrid: 51", "vrid: 300", "interval: 1s", "intervall: 1s").Replace(good)
	path = s.configure("bad", bad)
	problems := regexp.MustCompile(`(?m)` + regexp.QuoteMeta(path) + `:\d+:\d+: .*(vrid|intervall)`)
	for _, c := range []struct {
		code int
		args []string
	}{{1, []string{"check", path}}, {78, []string{"run", "--check", "--config", path}}, {78, []string{"run", "--config", path}}} {
		got := s.ripcord("a", c.args...)
		if n := len(problems.FindAllString(got.err, -1)); got.code != c.code || n != 2 || got.out != "" {
			t.Errorf("ripcord %v: exit %d, want %d, stdout %q, %d of 2 problems:\n%s", c.args, got.code, c.code, got.out, n, got.err)
		}
	}
	if _, err := os.Stat(s.socket("a")); !os.IsNotExist(err) {
		t.Errorf("a control socket was made: %v", err)
	}
}

// TestSecondDaemon checks that a second daemon on the same control socket ends at once, with exit 1
// and a line with the reason, and that the running daemon continues to serve.
func TestSecondDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 5*time.Second)
	a.wait(began, patience, "its address", is("address.added"))
	a.wait(began, patience, "its first advert", is("advert.sent"))
	at := time.Now()
	got := s.ripcord("a", "run", "--config", filepath.Join(s.Dir, "a.yaml"))
	if got.code != 1 || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "another ripcord") || !strings.Contains(got.err, s.socket("a")) {
		t.Errorf("the second daemon: exit %d, complained %q", got.code, got.err)
	}
	// Nor may one with a socket of its own take the first one's addresses for leftovers.
	other := filepath.Join(s.Dir, "other.yaml")
	if err := os.WriteFile(other, []byte(router{150, time.Second, ""}.yaml(s, s.socket("other"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.ripcord("a", "run", "--config", other); got.code != 1 || !strings.Contains(got.err, "another ripcord") {
		t.Errorf("a second daemon with its own socket: exit %d, complained %q", got.code, got.err)
	}
	if strings.Contains(got.out, `"daemon.ready"`) || strings.Contains(got.out, `"address.`) {
		t.Errorf("the second daemon ran before it found the first:\n%s", got.out)
	}
	for _, l := range a.log(at) {
		t.Errorf("the first noticed the second: %s", l.Msg)
	}
	if st := a.state(); st != "active" || len(a.moves(at)) > 0 || !s.holds("a", inside) {
		t.Errorf("the first is %s, holds the address: %v, after %d moves", st, s.holds("a", inside), len(a.moves(at)))
	}
}

// TestStatusSignal checks that SIGUSR1 writes the status document to the log.
func TestStatusSignal(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 5*time.Second)
	at := a.signal(syscall.SIGUSR1)
	l := a.wait(at, patience, "daemon.status", func(l line) bool { return l.Event == "daemon.status" })
	var got control.Status
	if err := json.Unmarshal(l.Status, &got); err != nil {
		t.Fatalf("its status is no status document: %v: %s", err, l.Status)
	}
	if len(got.Instances) != 1 || got.Instances[0].State != "active" || len(got.Links) != 1 {
		t.Errorf("the log has %+v, want one active instance and its link", got)
	}
}

// TestUnitFile checks the unit file with systemd.
func TestUnitFile(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	if binary == "" {
		t.Skip("not root: there is no binary for the unit to name")
	}
	unit, err := os.ReadFile("../../deploy/ripcord.service")
	if err != nil {
		t.Fatal(err)
	}
	const installed = "/usr/sbin/ripcord"
	if !strings.Contains(string(unit), "ExecStart="+installed+" run") {
		t.Errorf("the unit does not start %s", installed)
	}
	for _, want := range []string{
		"\nOnFailure=ripcord-clean.service\n", "\nRestart=always\n", "\nRestartPreventExitStatus=78\n",
		"\nTimeoutStopSec=30s\n", "\nRestartSec=0\n", // a daemon takes 25 s to stop at most
		"\nUser=ripcord-daemon\n", "\nNoExecPaths=/\n", "\nCapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON\n",
		"\nType=notify-reload\n", "\nNotifyAccess=main\n", "\nConditionPathExists=/etc/ripcord/ripcord.yaml\n",
	} {
		if !strings.Contains(string(unit), want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
	// What they start has to exist, and is not installed here.
	dir := t.TempDir()
	path := filepath.Join(dir, "ripcord.service")
	for _, name := range []string{"ripcord.service", "ripcord-runner.service", "ripcord-clean.service"} {
		text, err := os.ReadFile("../../deploy/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(string(text), installed, binary)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(analyze, "verify", "--man=no", path, filepath.Join(dir, "ripcord-runner.service"), filepath.Join(dir, "ripcord-clean.service")).CombinedOutput()
	for said := range strings.Lines(string(out)) {
		if !strings.Contains(said, "service type, ignoring: notify-reload") { // before systemd 253
			t.Errorf("systemd-analyze verify: %s", said)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze verify: %v", err)
	}
	// How much of the machine it leaves open, 0 to 10: what it needs (the network, raw
	// sockets, eBPF at the start) makes 1.9. --offline came with systemd 250.
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=19", "--no-pager", path).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(text, withoutHints(t)...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=18", "--no-pager", path).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security, without hints: %v\n%s", err, out)
	}
}

// withoutHints returns what docs/security.md has a reader add to the unit that is to need no
// eBPF.
func withoutHints(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, edit, _ := strings.Cut(string(page), "`systemctl edit ripcord`:\n\n```\n")
	edit, _, found := strings.Cut(edit, "```")
	if !found {
		t.Fatal("the page edits no unit")
	}
	return edit
}
