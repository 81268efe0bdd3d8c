package lab

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// launch starts cat, under the name that it has at a path, as a user that is neither root nor the
// daemon's, in the namespaces of its systemd. stop ends it; else it ends with the test.
func (m *manager) launch(path string) (stop func()) {
	m.t.Helper()
	command := exec.Command("nsenter", "--target", strconv.Itoa(m.runs.Command.Process.Pid), "--mount", "--pid", "--setuid", "1", "--setgid", "1", "--", path)
	input, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	stop = func() {
		_ = input.Close()
		_ = command.Wait()
	}
	m.t.Cleanup(stop)
	return stop
}

// TestUnitProcesses: in the sandbox of deploy/ripcord.service, where /proc hides the processes of
// other users, checks count them all the same, also one that a reload added; and go on doing so
// without a runner.
func TestUnitProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	const check = "checks: [{name: seen, interval: 200ms, fall: 1, rise: 1, process: {name: rc-seen}, weight: -1}]\n"
	yaml := func(checks, track string) string {
		return fmt.Sprintf("%sinstances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [%v/24]%s}]\n", checks, inside.virtual(), track)
	}
	m := s.systemd("a", yaml("", ""))
	if out, err := exec.Command("cp", program(t, "cat"), m.root+"/usr/sbin/rc-seen").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.file("units/ripcord-runner.service.d/norestart.conf", "[Service]\nRestart=no\n", 0o644)
	m.must("daemon-reload")
	at := time.Now()
	m.must("start", "ripcord")
	a := m.daemon()
	a.becomes("active", at, 10*time.Second)
	if mounts := m.proc("mountinfo"); !strings.Contains(mounts, "hidepid=invisible") {
		t.Fatalf("it may see the processes of other users:\n%s", mounts)
	}

	at = time.Now()
	m.file("etc/ripcord/ripcord.yaml", yaml(check, ", track: [{check: seen}]"), 0o644)
	m.reloadUnit()
	becomes := func(at time.Time, msg string) {
		t.Helper()
		a.wait(at, patience, msg, func(l line) bool {
			return l.Event == "check.changed" && l.Name == "seen" && strings.HasPrefix(l.Msg, msg)
		})
	}
	becomes(at, "check seen is down: 0 processes rc-seen, want at least 1")
	at = time.Now()
	stop := m.launch("/usr/sbin/rc-seen")
	becomes(at, "check seen is up")

	at = time.Now()
	m.must("kill", "--signal=SIGKILL", "--kill-who=main", "ripcord-runner")
	a.wait(at, patience, "runner.lost", is("runner.lost"))
	at = time.Now()
	stop()
	becomes(at, "check seen is down: 0 processes rc-seen, want at least 1")
	a.unmoved(at)
}
