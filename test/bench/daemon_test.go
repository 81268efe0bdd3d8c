package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/test/stage"
)

// daemon is a maker's, on a host.
type daemon struct {
	*stage.Daemon
	t     *testing.T
	maker maker
	host  string
	began time.Time // before it was started
}

// start starts the maker's daemon on a host.
func (s *site) start(host string, r router) *daemon {
	s.t.Helper()
	command, err := s.maker.command(s.Dir, host, r)
	if err != nil {
		s.t.Fatal(err)
	}
	stage.Contain(command)
	began := time.Now()
	started, err := s.Start(host, host, command)
	if err != nil {
		s.t.Fatal(err)
	}
	d := &daemon{Daemon: started, t: s.t, maker: s.maker, host: host, began: began}
	s.daemons[host] = d
	return d
}

// ready waits until it has logged that it is Backup.
func (d *daemon) ready() {
	d.t.Helper()
	if err := d.WaitSaid(d.maker.backup()); err != nil {
		d.t.Fatalf("%s on %s: %v", d.maker.name(), d.host, err)
	}
}

// end sends a signal, and waits until it is over.
func (d *daemon) end(sig syscall.Signal) time.Time {
	d.t.Helper()
	at, err := d.End(sig)
	if err != nil {
		d.t.Fatalf("%s on %s: %v", d.maker.name(), d.host, err)
	}
	return at
}

func (d *daemon) kill() time.Time { return d.end(syscall.SIGKILL) }
func (d *daemon) stop() time.Time { return d.end(syscall.SIGTERM) }

// cpu returns the time, user and system, that its processes have used so far. The kernel splits it
// between the two by ticks, but their sum is the scheduler's own count (cputime_adjust in
// kernel/sched/cputime.c), threads that have ended included, which no /proc/PID/task/*/schedstat has.
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
	pids := []int{d.Command.Process.Pid}
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
