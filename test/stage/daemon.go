//go:build linux

package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds the start and the end of a daemon. FRR needs seconds for either on a busy
// machine.
const patience = 30 * time.Second

// Daemon is a program running on a host.
type Daemon struct {
	Command *exec.Cmd
	Log     string        // file with its output, which follows that of earlier daemons of the name
	Exited  chan struct{} // closed when the daemon has ended
	Err     error         // of Wait, after the daemon has ended

	said int64 // length of the log when the daemon was started
}

// Start starts a daemon on a host. It appends to the log of this name, as other daemons of the same
// name do.
func (s *Stage) Start(host, name string, command *exec.Cmd) (*Daemon, error) {
	d := &Daemon{Command: command, Log: filepath.Join(s.Dir, name+".log"), Exited: make(chan struct{})}
	log, err := os.OpenFile(d.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if before, err := log.Stat(); err == nil {
		d.said = before.Size()
	}
	command.Stdout, command.Stderr = log, log
	if err := s.Host(host).Start(command); err != nil {
		return nil, err
	}
	s.daemons = append(s.daemons, d)
	go func() {
		d.Err = command.Wait()
		close(d.Exited)
	}()
	return d, nil
}

// Contain makes a command the first process of a PID namespace of its own, so that its children die
// with it, whatever their user. Only they see what it mounts.
func Contain(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
}

// WaitSaid waits until the daemon has logged these words since its start. If it ends without them,
// WaitSaid returns at once an error with the last logged lines.
func (d *Daemon) WaitSaid(words string) error {
	deadline := time.After(patience)
	for {
		ended := isClosed(d.Exited) // checked before the log is read, so that the last lines count
		if strings.Contains(d.logged(), words) {
			return nil
		}
		if ended {
			return fmt.Errorf("it ended (%v) without logging %q; it logged last:\n%s", d.Command.ProcessState, words, lastLines(d.logged(), 10))
		}
		select {
		case <-deadline:
			return fmt.Errorf("it has not logged %q within %v after its start; it logged last:\n%s", words, patience, lastLines(d.logged(), 10))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// logged returns the log since the daemon was started.
func (d *Daemon) logged() string {
	text, _ := os.ReadFile(d.Log)
	return string(text[min(int(d.said), len(text)):])
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// lastLines returns the last n lines of a text, or "(nothing)".
func lastLines(text string, n int) string {
	if text = strings.TrimSpace(text); text == "" {
		return "(nothing)"
	}
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Signal sends a signal and returns the time. The error is os.ErrProcessDone if the daemon had
// ended before.
func (d *Daemon) Signal(sig syscall.Signal) (at time.Time, err error) {
	at = time.Now()
	if err := d.Command.Process.Signal(sig); err != nil {
		return at, fmt.Errorf("signal %v: %w", sig, err)
	}
	return at, nil
}

// End sends a signal and waits until the daemon has ended.
func (d *Daemon) End(sig syscall.Signal) (at time.Time, err error) {
	if at, err = d.Signal(sig); err != nil {
		return at, err
	}
	select {
	case <-d.Exited:
		return at, nil
	case <-time.After(patience):
		return at, fmt.Errorf("it has not ended %v after signal %v", patience, sig)
	}
}
