package interop

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"ripcord/test/stage"
)

// process is a daemon with its children on a host, which can be run several times.
type process struct {
	s    *scene
	on   string        // the host
	log  string        // the name of its log
	runs *stage.Daemon // nil before the first run
}

func newProcess(s *scene, host, name string) *process { return &process{s: s, on: host, log: name} }

func (p *process) host() string { return p.on }

// run starts the daemon, and returns when its log contains the words by which it reports that it is
// Backup.
func (p *process) run(backup, path string, args ...string) time.Time {
	p.s.t.Helper()
	command := exec.Command(path, args...)
	stage.Contain(command)
	started, err := p.s.Start(p.on, p.log, command)
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.runs = started
	if err := started.WaitSaid(backup); err != nil {
		p.s.t.Fatalf("%s is not Backup: %v", p.log, err)
	}
	return time.Now()
}

func (p *process) stop() time.Time { return p.end(syscall.SIGTERM) }
func (p *process) kill() time.Time { return p.end(syscall.SIGKILL) }

// end ends the daemon, unless it has ended.
func (p *process) end(sig syscall.Signal) time.Time {
	p.s.t.Helper()
	if p.runs == nil {
		return time.Now()
	}
	at, err := p.runs.End(sig)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.s.t.Fatalf("%s: %v", p.log, err)
	}
	return at
}
