package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a daemon on a host, with its children: the first process of a PID
// namespace of its own, so that all of them die with it, whatever their user,
// and with the test. What it mounts is seen by itself alone.
type process struct {
	s       *scene
	on      string // the host
	log     string // the file
	command *exec.Cmd
	exited  chan struct{}
	err     error // of Wait, once exited
}

func newProcess(s *scene, host, name string) *process {
	return &process{s: s, on: host, log: filepath.Join(s.dir, name+".log")}
}

func (p *process) host() string { return p.on }

// run starts it, and returns when its log has said, in these words, that it is
// Backup: starting takes FRR seconds on a busy machine.
func (p *process) run(backup, path string, args ...string) time.Time {
	p.s.t.Helper()
	before, _ := os.ReadFile(p.log)
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.s.t.Fatal(err)
	}
	defer log.Close()
	p.command = exec.Command(path, args...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	if err := p.s.Host(p.on).Start(p.command); err != nil {
		p.s.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func() {
		p.err = p.command.Wait()
		close(p.exited)
	}()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if said, _ := os.ReadFile(p.log); strings.Contains(string(said[len(before):]), backup) {
			return time.Now()
		}
		if time.Now().After(deadline) {
			p.s.t.Fatalf("the daemon on %s has not become Backup 30s after its start", p.on)
		}
	}
}

func (p *process) stop() time.Time { return p.end(syscall.SIGTERM) }
func (p *process) kill() time.Time { return p.end(syscall.SIGKILL) }

func (p *process) end(sig syscall.Signal) time.Time {
	p.s.t.Helper()
	at := time.Now()
	if p.command == nil {
		return at // was never started
	}
	select {
	case <-p.exited:
		return at
	default:
	}
	if err := p.command.Process.Signal(sig); err != nil {
		p.s.t.Fatalf("signal %v to the daemon on %s: %v", sig, p.on, err)
	}
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.s.t.Fatalf("the daemon on %s has not ended 20s after signal %v", p.on, sig)
	}
	return at
}

// command runs a program on a host to its end.
func (s *scene) command(host string, args ...string) error {
	var said strings.Builder
	command := exec.Command(program(s.t, args[0]), args[1:]...)
	command.Stdout, command.Stderr = &said, &said
	if err := s.Host(host).Start(command); err != nil {
		return err
	}
	if err := command.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, said.String())
	}
	return nil
}
