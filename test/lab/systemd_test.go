package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/test/stage"
)

// cgroups is where systemd may have control groups of its own: its own hierarchy of
// version 1 where there is one, and else the one of version 2.
var cgroups = "/sys/fs/cgroup/systemd"

func init() {
	if _, err := os.Stat(cgroups); err != nil {
		cgroups = "/sys/fs/cgroup"
	}
}

// boot makes a root of its own for systemd, of which $1 has what differs from this
// machine's, and becomes systemd. It is the first process of a PID namespace, in a mount
// and a network namespace; $2 is its control group.
const boot = `set -e
mkdir -p "$2"
echo 0 > "$2/cgroup.procs"
exec unshare --cgroup --ipc --uts -- /bin/bash -c '
set -e
mount -t proc proc /proc
for dir in /etc /usr/sbin; do mount -t overlay overlay -o "lowerdir=$1$dir:$dir" "$dir"; done
mount --bind "$1/units" /usr/lib/systemd/system
mount -t tmpfs tmpfs /srv
mount -t tmpfs tmpfs /etc/systemd
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
umount --lazy /sys/fs/cgroup
if [ "$3" = /sys/fs/cgroup/systemd ]; then
	mount -t tmpfs tmpfs /sys/fs/cgroup
	mkdir /sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup "$3"
else
	mount -t cgroup2 cgroup2 "$3"
fi
exec env --ignore-environment PATH=/usr/sbin:/usr/bin container=lab SYSTEMD_LOG_TARGET=console \
	/usr/lib/systemd/systemd --system --unit=lab.target --show-status=no
' boot "$1" "$2" "$3"
`

// manager is a systemd on a host that has only ripcord's unit to start.
type manager struct {
	*site
	host    string
	root    string // of what differs from this machine's files
	version int
	runs    *stage.Daemon
}

// systemd boots one, with deploy/ripcord.service, the binary and a configuration where the unit
// has them. The log of ripcord, which would be in the journal, is in the host's file.
func (s *site) systemd(host, yaml string) *manager {
	s.t.Helper()
	m := &manager{site: s, host: host, root: filepath.Join(s.Dir, host+"-root"), version: systemdVersion(s.t)}
	for _, unit := range []string{"ripcord.service", "ripcord-runner.service", "ripcord-clean.service"} {
		text, err := os.ReadFile("../../deploy/" + unit)
		if err != nil {
			s.t.Fatal(err)
		}
		m.file("units/"+unit, string(text), 0o644)
		m.file("units/"+unit+".d/log.conf", fmt.Sprintf("[Service]\nStandardOutput=append:%s\nStandardError=append:%[1]s\n", m.log()), 0o644)
	}
	m.accounts()
	self, err := os.ReadFile(binary)
	if err != nil {
		s.t.Fatal(err)
	}
	m.file("usr/sbin/ripcord", string(self), 0o755)
	m.file("etc/ripcord/ripcord.yaml", yaml, 0o644)
	if err := os.WriteFile(m.log(), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	for _, target := range []string{"lab", "sysinit", "basic", "network", "shutdown", "sockets", "multi-user"} {
		m.file("units/"+target+".target", "[Unit]\nDefaultDependencies=no\n", 0o644)
	}
	group := filepath.Join(cgroups, "ripcord-lab-"+filepath.Base(s.Dir))
	command := exec.Command("/bin/bash", "-c", boot, "boot", m.root, group, cgroups)
	stage.Contain(command)
	if m.runs, err = s.Start(host, host+"-systemd", command); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if _, err := m.runs.End(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			s.t.Error(err)
		}
		m.removeGroups(group)
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(often) {
		out, err := m.ctl("is-system-running")
		if strings.TrimSpace(out) == "running" {
			return m
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("systemd does not boot: %s, %v", out, err)
		}
	}
}

// daemonUser is the number of the account ripcord-daemon there.
const daemonUser = 64901

// accounts adds the account of the daemon to those of this machine.
func (m *manager) accounts() {
	for name, format := range map[string]string{"passwd": "ripcord-daemon:x:%d:%[1]d::/:/usr/sbin/nologin\n", "group": "ripcord-daemon:x:%d:\n"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			m.t.Fatal(err)
		}
		m.file("etc/"+name, string(text)+fmt.Sprintf(format, daemonUser), 0o644)
	}
}

// removeGroups removes the control groups that are left, the innermost first.
func (m *manager) removeGroups(group string) {
	var groups []string
	_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			groups = append(groups, path)
		}
		return nil
	})
	slices.Reverse(groups)
	for _, path := range groups {
		err := os.Remove(path)
		for deadline := time.Now().Add(patience); errors.Is(err, syscall.EBUSY) && time.Now().Before(deadline); time.Sleep(often) {
			err = os.Remove(path) // a process that has ended leaves its group a little later
		}
		if err != nil {
			m.t.Errorf("remove what systemd left: %v", err)
		}
	}
}

// systemdVersion returns the version of systemd on this machine.
func systemdVersion(t *testing.T) int {
	t.Helper()
	out, err := exec.Command(program(t, "systemctl"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`^systemd (\d+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no version in %s", out)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// log is the file with the log of ripcord.
func (m *manager) log() string { return filepath.Join(m.Dir, m.host+".log") }

// file writes a file that is below the root of its systemd.
func (m *manager) file(name, text string, mode os.FileMode) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	for dir := filepath.Dir(path); len(dir) > len(m.root); dir = filepath.Dir(dir) {
		defer func() { _ = os.Chmod(dir, 0o755) }() // whatever the umask
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		m.t.Fatal(err)
	}
}

// ctl runs systemctl in its namespaces.
func (m *manager) ctl(args ...string) (out string, err error) {
	pid := strconv.Itoa(m.runs.Command.Process.Pid)
	text, err := exec.Command("nsenter", append([]string{"--target", pid, "--mount", "--pid", "--cgroup", "--", "systemctl", "--no-pager"}, args...)...).CombinedOutput()
	return string(text), err
}

// must is ctl for what has to succeed.
func (m *manager) must(args ...string) string {
	m.t.Helper()
	out, err := m.ctl(args...)
	if err != nil {
		m.t.Fatalf("systemctl %v: %v: %s", args, err, out)
	}
	return out
}

// property is a property of the unit.
func (m *manager) property(name string) string {
	m.t.Helper()
	return m.propertyOf("ripcord", name)
}

func (m *manager) propertyOf(unit, name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.must("show", "--property="+name, "--value", unit))
}

// becomesState waits until the unit is in a state.
func (m *manager) becomesState(state string) {
	m.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); m.property("ActiveState") != state; time.Sleep(often) {
		if time.Now().After(deadline) {
			m.t.Fatalf("the unit is %s, want %s:\n%s", m.property("ActiveState"), state, m.must("show", "ripcord"))
		}
	}
}

// daemon is the ripcord that the unit runs.
func (m *manager) daemon() *daemon {
	m.t.Helper()
	socket := fmt.Sprintf("/proc/%d/root/run/ripcord/ripcord.sock", m.runs.Command.Process.Pid)
	return &daemon{Daemon: &stage.Daemon{Log: m.log()}, t: m.t, name: m.host, socket: socket, shared: true}
}

// proc returns the text of a file, or of the files of a pattern, below /proc/PID of the main
// process.
func (m *manager) proc(pattern string) string {
	m.t.Helper()
	// Its number is that in its own PID namespace, whose /proc is below the root of its mounts.
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/root/proc/%s/%s", m.runs.Command.Process.Pid, m.property("MainPID"), pattern))
	if err != nil {
		m.t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			m.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// reloadUnit reloads the unit; a systemd that does not know Type=notify-reload sends SIGHUP.
func (m *manager) reloadUnit() {
	m.t.Helper()
	if m.version >= 253 {
		m.must("reload", "ripcord") // which waits for RELOADING=1 and READY=1
		return
	}
	m.t.Logf("systemd %d has no notify-reload: SIGHUP in place of systemctl reload", m.version)
	m.must("kill", "--signal=SIGHUP", "--kill-who=main", "ripcord")
}

// unitAmbient are the capabilities of the daemon, as the kernel shows them (capability.h):
// CAP_NET_ADMIN and CAP_NET_RAW. Those that it gives up at the start, CAP_PERFMON and CAP_BPF,
// stay in the bounding set, which it may not change and from which it can get none.
const (
	unitAmbient  = 1<<12 | 1<<13
	unitBounding = unitAmbient | 1<<38 | 1<<39
)

// sandboxed checks that the main process has the rights of the unit and no others, and that the
// runner's request for a real-time thread is denied.
func (m *manager) sandboxed() {
	m.t.Helper()
	soon(m.t, "its rights for the start are given up", func() bool { return strings.Contains(m.proc("status"), fmt.Sprintf("CapEff:\t%016x\n", unitAmbient)) })
	status := m.proc("status")
	confined(m.t, status, unitAmbient, unitBounding)
	if want := fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", daemonUser); !strings.Contains(status, want) {
		m.t.Errorf("it is not user %d:\n%s", daemonUser, status)
	}
	realtime := 0
	for l := range strings.Lines(m.proc("task/*/stat")) {
		_, rest, _ := strings.Cut(l, ") ")
		if f := strings.Fields(rest); len(f) > 38 && (f[38] == "1" || f[38] == "2") { // policy: FIFO, RR
			realtime++
		}
	}
	if realtime == 0 {
		m.t.Error("none of its threads runs in real time")
	}
}

// commanded checks that notify commands and checks run as their users, and without the confinement
// of the daemon.
func (m *manager) commanded(a *daemon, since time.Time) {
	m.t.Helper()
	a.wait(since, patience, "the output of the check, as user daemon", func(l line) bool {
		return l.Event == "check.changed" && l.Name == "whoami" && l.Output == "daemon"
	})
	ran := a.wait(since, patience, "the notify command", func(l line) bool { return l.Event == "notify.ran" && l.State == "MASTER" })
	if ran.Output != "root inside MASTER" {
		m.t.Errorf("the notify command printed %q", ran.Output)
	}
	fifo, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/ripcord/transitions", m.runs.Command.Process.Pid))
	if err != nil || fifo.Mode()&os.ModeNamedPipe == 0 || fifo.Sys().(*syscall.Stat_t).Uid != daemonUser || fifo.Sys().(*syscall.Stat_t).Gid != 0 {
		m.t.Errorf("there is no FIFO of the daemon's for the group of script_user: %+v, %v", fifo, err)
	}
}

// losesRunner kills the runner: systemd starts it again, the daemon goes on with that one, and
// nothing moves.
func (m *manager) losesRunner(a *daemon) {
	m.t.Helper()
	at := time.Now()
	m.must("kill", "--signal=SIGKILL", "--kill-who=main", "ripcord-runner")
	a.wait(at, patience, "runner.lost", is("runner.lost"))
	a.wait(at, patience, "the next runner", is("runner.ready"))
	if moves := a.moves(at); len(moves) > 0 || a.state() != "active" {
		m.t.Errorf("without a runner it is %s, and moved: %+v", a.state(), moves)
	}
}

// TestUnit: under systemd, in the sandbox of deploy/ripcord.service, a router serves, is taken
// over from and comes back, runs checks and notify commands as their users, is reloaded,
// is started again when it is killed, not when its configuration cannot be used, and stops.
func TestUnit(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	yaml := func(priority int) string {
		return fmt.Sprintf(`log: {level: debug}
script_user: root
fifo: /run/ripcord/transitions
notify: {any: [/bin/sh, -c, 'echo "$(id -un) $RIPCORD_NAME $RIPCORD_STATE"; touch /srv/written']}
checks: [{name: whoami, command: [/bin/sh, -c, 'echo "$(id -un)"; exit 1'], user: daemon, weight: -1}]
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: %d, interval: 200ms, addresses: [%v/24], virtual_mac: true, track: [{check: whoami}]}
`, priority, inside.virtual())
	}
	began := time.Now()
	b := s.start("b", router{100, 200 * time.Millisecond, "virtual_mac: true"})
	b.becomes("active", began, 10*time.Second)

	m := s.systemd("a", yaml(150))
	at := time.Now()
	m.must("start", "ripcord")
	a := m.daemon()
	a.becomes("active", at, 10*time.Second)
	m.sandboxed()
	m.commanded(a, at)

	at = s.pull("a", inside)
	b.becomes("active", at, patience)
	at = s.plug("a", inside)
	a.becomes("active", at, 10*time.Second)
	b.becomes("backup", at, patience)

	at = time.Now()
	m.file("etc/ripcord/ripcord.yaml", yaml(50), 0o644)
	m.reloadUnit()
	a.wait(at, patience, "config.reloaded", is("config.reloaded"))
	b.becomes("active", at, patience)
	m.file("etc/ripcord/ripcord.yaml", yaml(150), 0o644)
	at = time.Now()
	m.reloadUnit()
	a.becomes("active", at, 10*time.Second)

	m.losesRunner(a)

	at = time.Now()
	pid, runs := m.property("MainPID"), m.propertyOf("ripcord-runner", "MainPID")
	m.must("kill", "--signal=SIGKILL", "--kill-who=main", "ripcord")
	a.wait(at, patience, "that it goes on, or why not", func(l line) bool { return l.Event == "group.adopted" || l.Event == "group.unadopted" })
	soon(t, "it is Active again", func() bool { return a.state() == "active" })
	if m.property("MainPID") == pid || m.property("NRestarts") != "1" {
		t.Errorf("after SIGKILL the main process is %s, was %s, and there were %s restarts", m.property("MainPID"), pid, m.property("NRestarts"))
	}

	if now := m.propertyOf("ripcord-runner", "MainPID"); now != runs {
		t.Errorf("with the daemon its runner has started anew: process %s, was %s", now, runs)
	}

	at = time.Now()
	m.must("stop", "ripcord")
	if l := b.becomes("active", at, patience); l.Reason != "peer-resigned" {
		t.Errorf("at the stop the other became Active for %s", l.Reason)
	}
	if m.property("Result") != "success" || len(s.left("a")) > 0 {
		t.Errorf("the stop ended with %s, and %q is left", m.property("Result"), s.left("a"))
	}
	soon(t, "the runner stops with the daemon", func() bool { return m.propertyOf("ripcord-runner", "ActiveState") == "inactive" })
	m.file("etc/ripcord/ripcord.yaml", yaml(300), 0o644)
	_, _ = m.ctl("start", "ripcord")
	m.becomesState("failed")
	if m.property("ExecMainStatus") != "78" || m.property("NRestarts") != "0" {
		t.Errorf("with a broken file it ended with %s, and there were %s restarts", m.property("ExecMainStatus"), m.property("NRestarts"))
	}
}

// TestUnitAdopts: under systemd a daemon that is killed, and one that hands over, is started again
// and goes on as Active, which no other router notices. What one that is not started again
// has left is removed.
func TestUnitAdopts(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	yaml := fmt.Sprintf("instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [%v/24]}]\n", inside.virtual())
	m := s.systemd("a", yaml)
	at := time.Now()
	m.must("start", "ripcord")
	a := m.daemon()
	a.becomes("active", at, 10*time.Second)
	a.wait(at, patience, "its address", is("address.added"))
	b := s.start("b", router{100, time.Second, ""})
	b.becomes("backup", at, patience)
	time.Sleep(time.Second)

	at = time.Now()
	m.must("kill", "--signal=SIGKILL", "--kill-who=main", "ripcord")
	t.Log(a.wait(at, patience, "that it goes on", is("group.adopted")).Msg)
	time.Sleep(time.Second)
	pid := strconv.Itoa(m.runs.Command.Process.Pid)
	said, err := exec.Command("nsenter", "--target", pid, "--mount", "--net", "--pid", "--", "/usr/sbin/ripcord", "handover").CombinedOutput()
	if err != nil || !strings.Contains(string(said), ": inside\n") {
		t.Fatalf("ripcord handover: %v: %s", err, said)
	}
	t.Log(string(said))
	if l := a.wait(at, patience, "that it goes on after the handover", func(l line) bool { return l.Event == "group.adopted" && l.Level == "info" }); l.Group != "inside" {
		t.Errorf("%s goes on", l.Group)
	}
	time.Sleep(time.Second)
	a.unmoved(at)
	b.unmoved(at)

	m.file("units/ripcord.service.d/norestart.conf", "[Service]\nRestart=no\n", 0o644)
	m.must("daemon-reload")
	m.must("kill", "--signal=SIGKILL", "--kill-who=main", "ripcord")
	m.becomesState("failed")
	soon(t, "the address is removed", func() bool { return !s.holds("a", inside) })
	if text, err := os.ReadFile(m.log()); err != nil || !strings.Contains(string(text), "removed 192.0.2.1/24 on eth0") {
		t.Errorf("ripcord clean has removed nothing: %v", err)
	}
}
