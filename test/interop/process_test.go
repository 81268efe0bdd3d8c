package interop

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"ripcord/test/stage"
)

// process is what runs on a host: a daemon with its children, time after time.
type process struct {
	s    *scene
	on   string        // the host
	log  string        // its name
	runs *stage.Daemon // nil before the first time
}

func newProcess(s *scene, host, name string) *process { return &process{s: s, on: host, log: name} }

func (p *process) host() string { return p.on }

// run starts it, and returns when its log has said, in these words, that it is
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

// end ends it, unless it has ended.
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
