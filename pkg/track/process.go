package track

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ripcord/pkg/command"
)

// CommLen is the number of bytes of a program's name that the kernel keeps for a process.
const CommLen = 15

// Process is a check that counts processes: from Min to Max of them pass. Threads and zombies do
// not count.
//
// Name is the kernel's name for the process (/proc/PID/comm); if it is longer than the 15 bytes
// that the kernel keeps, the base name of the program as it was started (argv[0]) must be equal,
// too. A Name that begins with a slash is the path of the program that runs, or argv[0]. With Part
// it suffices that Name is a part of the kernel's name for the process, as with pgrep(1).
//
// If permitted, the kernel's proc connector announces each process that begins or ends: then a
// change of the state is known at once, not at the next interval.
type Process struct {
	Name string
	Part bool
	Min  int
	Max  int // zero: any number
}

// String implements Probe.
func (c Process) String() string { return "process " + c.Name }

func (c Process) validate() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("the process has no name")
	case !strings.HasPrefix(c.Name, "/") && strings.Contains(c.Name, "/"):
		return fmt.Errorf("process %q: give a name, or the whole path", c.Name)
	case c.Part && (strings.HasPrefix(c.Name, "/") || len(c.Name) > CommLen):
		return fmt.Errorf("process %q: no part of a name can be a path, or longer than the %d bytes that the kernel keeps", c.Name, CommLen)
	case c.Min < 0 || c.Max < 0 || c.Max != 0 && c.Max < c.Min:
		return fmt.Errorf("process %s: min %d and max %d: give 0 or more, and max at least min", c.Name, c.Min, c.Max)
	case c.Min == 0 && c.Max == 0:
		return fmt.Errorf("process %s: with min 0 and no max any number passes", c.Name)
	}
	return nil
}

// passes reports whether a number of processes passes.
func (c Process) passes(n int) bool { return n >= c.Min && (c.Max == 0 || n <= c.Max) }

// explain returns the error for a number of processes that does not pass.
func (c Process) explain(n int) error {
	if c.passes(n) {
		return nil
	}
	want := fmt.Sprintf("at least %d", c.Min)
	switch {
	case c.Max != 0 && c.Min == c.Max:
		want = fmt.Sprint(c.Min)
	case c.Max != 0:
		want = fmt.Sprintf("%d to %d", c.Min, c.Max)
	}
	return fmt.Errorf("%d processes %s, want %s", n, c.Name, want)
}

func (c Process) open(m *machine, s *Spec) prober {
	return &processProber{Process: c, watch: m.processes.watch(c), timeout: s.EffectiveTimeout()}
}

// processProber counts the processes of one name.
type processProber struct {
	Process
	watch   *processWatch
	timeout time.Duration
}

func (p *processProber) probe(ctx context.Context, done func(result)) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	n, err := p.watch.count(ctx)
	if errors.Is(err, command.ErrLost) || err != nil && ctx.Err() != nil {
		return // their number is unknown: the state stays as it is, as for a command
	}
	if err != nil {
		done(result{err: err})
		return
	}
	err = p.explain(n)
	done(result{pass: err == nil, output: fmt.Sprint(n), err: err})
}

func (p *processProber) events() <-chan struct{} { return p.watch.changed }
func (p *processProber) close()                  { p.watch.close() }

// program is the identity of a process.
type program struct {
	comm string // at most CommLen bytes
	argv0,
	exe string // empty if unknown
}

// is reports whether a check counts the process.
func (p program) is(c *Process) bool {
	switch name := c.Name; {
	case c.Part:
		return strings.Contains(p.comm, name)
	case strings.HasPrefix(name, "/"):
		return p.exe == name || p.argv0 == name
	case len(name) <= CommLen:
		return p.comm == name
	default:
		return p.comm == name[:CommLen] && p.argv0[strings.LastIndex(p.argv0, "/")+1:] == name
	}
}
