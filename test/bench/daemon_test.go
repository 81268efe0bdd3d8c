package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemon is a maker's, on a host: the first process of a PID namespace of its
// own, so that its children die with it.
type daemon struct {
	t       *testing.T
	maker   maker
	host    string
	log     string
	said    int // bytes in the log before it was started
	command *exec.Cmd
	began   time.Time // before it was started
	exited  chan struct{}
}

// start starts the maker's daemon on a host.
func (s *site) start(host string, r router) *daemon {
	s.t.Helper()
	command, err := s.maker.command(s.dir, host, r)
	if err != nil {
		s.t.Fatal(err)
	}
	d := &daemon{t: s.t, maker: s.maker, host: host, log: filepath.Join(s.dir, host+".log"), command: command, exited: make(chan struct{})}
	before, _ := os.ReadFile(d.log)
	d.said = len(before)
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	d.began = time.Now()
	if err := s.Host(host).Start(command); err != nil {
		s.t.Fatal(err)
	}
	s.daemons[host] = d
	go func() {
		_ = command.Wait() // its exit status tells nothing that the LAN does not
		close(d.exited)
	}()
	return d
}

// ready waits until it has logged that it is Backup.
func (d *daemon) ready() {
	d.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if said, _ := os.ReadFile(d.log); strings.Contains(string(said[d.said:]), d.maker.backup()) {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%s on %s has not become Backup", d.maker.name(), d.host)
		}
	}
}

// end sends a signal, and waits until it is over.
func (d *daemon) end(sig syscall.Signal) time.Time {
	d.t.Helper()
	at := time.Now()
	if err := d.command.Process.Signal(sig); err != nil {
		d.t.Fatalf("signal %v to %s on %s: %v", sig, d.maker.name(), d.host, err)
	}
	select {
	case <-d.exited:
	case <-time.After(30 * time.Second):
		d.t.Fatalf("%s on %s has not ended 30 s after signal %v", d.maker.name(), d.host, sig)
	}
	return at
}

func (d *daemon) kill() time.Time { return d.end(syscall.SIGKILL) }
func (d *daemon) stop() time.Time { return d.end(syscall.SIGTERM) }

// cpu is the time, user and system, that its processes have used so far.
func (d *daemon) cpu() (total time.Duration) {
	d.t.Helper()
	for _, pid := range d.pids() {
		fields := statOf(pid)
		if len(fields) < 13 {
			d.t.Fatalf("%s on %s has died", d.maker.name(), d.host)
		}
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		total += time.Duration(user+system) * 10 * time.Millisecond // USER_HZ
	}
	return total
}

// resident is the memory in MiB of its largest process: what a parent shares
// with its child is not counted twice.
func (d *daemon) resident() (largest float64) {
	for _, pid := range d.pids() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kib, _ := strconv.Atoi(strings.Fields(value)[0])
				largest = max(largest, float64(kib)/1024)
			}
		}
	}
	return largest
}

// pids are its processes: keepalived's is a parent with a child.
func (d *daemon) pids() []int {
	pids := []int{d.command.Process.Pid}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := statOf(pid); len(fields) > 1 && fields[1] == strconv.Itoa(pids[0]) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// statOf is /proc/PID/stat from the state on (proc_pid_stat(5), field 3).
func statOf(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}

func (s *site) showLogs() {
	for host, d := range s.daemons {
		text, _ := os.ReadFile(d.log)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		s.t.Logf("the end of the log of %s on %s:\n%s", s.maker.name(), host, strings.Join(lines[max(0, len(lines)-30):], "\n"))
	}
}
