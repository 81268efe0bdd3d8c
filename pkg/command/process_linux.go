package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// abandonAfter is how long a stopped Run waits for a process that does not end even after SIGKILL,
// such as one that hangs in the kernel on a dead file server.
const abandonAfter = time.Second

// Run runs the command. It calls done once, as soon as the result is known, and returns when the
// program has been reaped. When ctx is done, the command is stopped as at its timeout, and the
// error of the result is that of ctx.
func (c *Command) Run(ctx context.Context, done func(Result)) {
	begun := time.Now()
	report := func(r Result) {
		r.Took = time.Since(begun)
		done(r)
	}
	if err := c.validate(); err != nil {
		report(Result{Exit: -1, Err: err})
		return
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("%w after %v", ErrTimeout, c.Timeout))
	defer cancel()

	// A separate goroutine starts the program: one on a file server that does not answer hangs
	// before it runs.
	type start struct {
		p   *process
		err error
	}
	started := make(chan start, 1)
	go func() {
		p, err := c.start()
		started <- start{p, err}
	}()
	var s start
	select {
	case s = <-started:
	case <-limited.Done():
		report(Result{Exit: -1, Err: fmt.Errorf("it could not be started: %w", context.Cause(limited))})
		if s = <-started; s.err == nil {
			s.p.stop(ctx, c.grace())
		}
		return
	}
	if s.err != nil {
		report(Result{Exit: -1, Err: s.err})
		return
	}
	p := s.p
	select {
	case <-p.ended:
		report(p.finish(c.KillGroup))
	case <-limited.Done():
		r := Result{Exit: -1, Err: context.Cause(limited)}
		r.Output, r.Cut = p.output.text()
		report(r)
		p.stop(ctx, c.grace())
	}
}

// process is a running program, the leader of its process group. It is not reaped before the last
// signal was sent to the group, so that its number cannot belong to another process.
type process struct {
	pid    int
	output *output
	ended  chan struct{} // closed when the leader has ended
}

// start starts the command.
func (c *Command) start() (*process, error) {
	path, err := CheckExecutable(c.Argv[0], c.User)
	if err != nil {
		return nil, err
	}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/null: %w", err)
	}
	defer func() { _ = unix.Close(null) }()
	out, end, err := newOutput()
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(end) }()
	pidfd := -1
	pid, err := forkExec(path, c.Argv, &syscall.ProcAttr{
		Dir:   "/",
		Env:   Environment(c.User, c.Env),
		Files: []uintptr{uintptr(null), uintptr(end), uintptr(end)},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Credential: c.credential(), PidFD: &pidfd},
	})
	if err != nil {
		_ = out.file.Close()
		return nil, c.explain(path, err)
	}
	p := &process{pid: pid, output: out, ended: make(chan struct{})}
	go out.read()
	go p.await(pidfd)
	return p, nil
}

// forkExec starts a program. /bin/sh runs a script without a line such as #!/bin/sh, which the
// kernel does not run, as with shells, execvp(3) and keepalived.
func forkExec(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	pid, err = syscall.ForkExec(path, argv, attr)
	if errors.Is(err, unix.ENOEXEC) && isScript(path) {
		return syscall.ForkExec(interpreter, append([]string{interpreter, path}, argv[1:]...), attr)
	}
	return pid, err
}

// isScript reports whether a file that the kernel does not run may be a script: its beginning has
// no NUL, unlike that of a program for another kind of machine.
func isScript(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true // the shell runs as another user and may be able to read it
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(file, head)
	return !bytes.Contains(head[:n], []byte{0})
}

// credential returns nil if the program runs as the daemon does.
func (c *Command) credential() *syscall.Credential {
	u := c.User
	if u == nil || os.Geteuid() != 0 && int(u.UID) == os.Geteuid() && int(u.GID) == os.Getegid() {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
}

// explain returns why a program that exists and is executable did not start.
func (c *Command) explain(path string, err error) error {
	u := c.effective()
	switch {
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("%s is neither a script nor a program for this kind of machine: install the one that was built for it", path)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%s does not start: the interpreter that its first line names does not exist", path)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s does not start: user %s may not execute it, or may not search a directory above it", path, userName(u.UID))
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%s does not start: the daemon may not run programs as user %s (needs root, or CAP_SETUID and CAP_SETGID)", path, userName(u.UID))
	}
	return fmt.Errorf("%s does not start: %w", path, err)
}

// await closes ended when the leader has ended, without reaping it. Go's poller waits for the
// pidfd; before Linux 5.2 there is none, and a thread waits.
func (p *process) await(pidfd int) {
	defer close(p.ended)
	if pidfd >= 0 {
		_ = unix.SetNonblock(pidfd, true)
		file := os.NewFile(uintptr(pidfd), "pidfd")
		defer func() { _ = file.Close() }()
		if raw, err := file.SyscallConn(); err == nil && raw.Read(func(uintptr) bool { return p.hasEnded(unix.WNOHANG) }) == nil {
			return
		}
	}
	for !p.hasEnded(0) {
	}
}

// hasEnded reports whether the leader has ended; without WNOHANG it waits for that.
func (p *process) hasEnded(flags int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT|flags, nil)
	return err == nil && info.Signo != 0 || err == unix.ECHILD
}

// signal sends a signal to the whole group.
func (p *process) signal(s unix.Signal) { _ = unix.Kill(-p.pid, s) }

// stop ends the group: SIGTERM, and SIGKILL when the leader has ended, or after the grace time. It
// returns when the leader is reaped; if the context is done, at most abandonAfter later, and a
// goroutine continues to wait.
func (p *process) stop(ctx context.Context, grace time.Duration) {
	p.signal(unix.SIGTERM)
	wait := time.NewTimer(grace)
	defer wait.Stop()
	select {
	case <-p.ended:
	case <-wait.C:
	}
	p.signal(unix.SIGKILL)
	select {
	case <-p.ended:
		p.finish(false)
		return
	case <-ctx.Done():
	}
	wait.Reset(abandonAfter)
	select {
	case <-p.ended:
		p.finish(false)
	case <-wait.C:
		go func() {
			<-p.ended
			p.finish(false)
		}()
	}
}

// finish kills the rest of the group if requested, collects the output, and reaps the leader, which
// has ended.
func (p *process) finish(killGroup bool) Result {
	if killGroup {
		p.signal(unix.SIGKILL)
	}
	p.output.finish()
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(p.pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	r := Result{Exit: status.ExitStatus()}
	switch {
	case status.Signaled():
		r.Err = &ExitError{Exit: -1, Signal: unix.SignalName(status.Signal())}
	case r.Exit != 0:
		r.Err = &ExitError{Exit: r.Exit}
	}
	r.Output, r.Cut = p.output.text()
	return r
}
