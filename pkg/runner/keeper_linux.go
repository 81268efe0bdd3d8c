package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/command"
	"ripcord/pkg/procfs"
)

// A daemon that may start nothing cannot restart its runner either. So if no service manager does,
// there is a keeper between the two: the daemon starts it before it drops its rights, and asks it
// for a connection to a new runner when it needs one. The keeper does nothing else. Processes left
// by a killed runner become children of the keeper, which ends them.

// ConnectionFD is the descriptor of the socket with which a keeper, or a runner, is started.
const ConnectionFD = 3

const (
	// another is the message that asks the keeper for a new runner.
	another = 'n'
	// endWithin is how long a runner may take to end its programs when the daemon has ended: they
	// have a second after SIGTERM.
	endWithin = 5 * time.Second
	// sweeps limits the searches for processes that a runner left: they may start others meanwhile.
	sweeps = 64
)

// self is the program of this process, in this version, even if its file was replaced.
const self = "/proc/self/exe"

// ShowName gives the process the name of the program, since it was started as exe.
func ShowName() { _ = os.WriteFile("/proc/self/comm", []byte("ripcord"), 0) }

// Keeper starts runners for this process.
type Keeper struct {
	// Dial connects to a new runner.
	Dial func(context.Context) (net.Conn, error)
	// Ended is closed when the keeper has ended, though this process has not; nil: the runner was
	// started separately.
	Ended <-chan struct{}
}

// StartKeeper starts a keeper: this program with argv and the descriptor ConnectionFD, and without
// other inherited descriptors. It ends with this process.
func StartKeeper(argv []string) (*Keeper, error) {
	if err := command.CloseOnExec(); err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	input, err := emptyInput()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	defer input.Close()
	pid, err := syscall.ForkExec(self, argv, &syscall.ProcAttr{
		// Standard output is the daemon's log, whose reader waits for its end.
		Dir: "/", Env: command.Inheritable(os.Environ()), Files: []uintptr{input.Fd(), 2, 2, theirs.Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true}, // a terminal's ^C is handled by the daemon
	})
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return nil, err
	}
	k, ended := &keeperConn{conn: conn.(*net.UnixConn)}, make(chan struct{})
	go func() { // as long as this process lives
		defer close(ended)
		for {
			if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
				return
			}
		}
	}()
	return &Keeper{Dial: k.dial, Ended: ended}, nil
}

// emptyInput opens an input that is at its end: /dev/null, or in a root without /dev, a pipe
// without a writer.
func emptyInput() (*os.File, error) {
	if null, err := os.Open(os.DevNull); err == nil {
		return null, nil
	}
	input, output, err := os.Pipe()
	if err == nil {
		err = output.Close()
	}
	return input, err
}

// pair makes a pair of sockets.
func pair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "keeper"), os.NewFile(uintptr(fds[1]), "keeper"), nil
}

// keeperConn is the daemon's connection to its keeper.
type keeperConn struct {
	mu   sync.Mutex
	conn *net.UnixConn
}

// errNoKeeper is the error of a daemon whose keeper has ended.
var errNoKeeper = errors.New("the process that starts ripcord runner has ended: restart ripcord")

// dial asks the keeper to start a runner.
func (k *keeperConn) dial(ctx context.Context) (net.Conn, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer context.AfterFunc(ctx, func() { _ = k.conn.SetDeadline(time.Unix(1, 0)) })()
	_ = k.conn.SetDeadline(time.Now().Add(helloWithin))
	if _, err := k.conn.Write([]byte{another}); err != nil {
		return nil, errNoKeeper
	}
	text, control := make([]byte, 1024), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := k.conn.ReadMsgUnix(text, control)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("it does not start within %v", helloWithin)
	case err != nil || n == 0:
		return nil, errNoKeeper
	case text[0] != another:
		return nil, errors.New(string(text[1:n]))
	}
	fd, err := descriptor(control[:m])
	if err != nil {
		return nil, fmt.Errorf("the keeper sent no connection: %w", err)
	}
	return Inherited(fd)
}

// keeper starts runners for a daemon.
type keeper struct {
	argv []string

	pid   int           // of the runner; 0: there is none
	ended chan struct{} // closed when it has ended, and nothing of it is left
	mu    sync.Mutex
}

// Keep runs a keeper: for the daemon at the other end of ConnectionFD it starts a runner, this
// program with argv and the same descriptor, whenever the daemon asks for one. It ends with the
// daemon.
func Keep(argv []string) error {
	ShowName()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	conn, err := Inherited(ConnectionFD)
	if err != nil {
		return err
	}
	daemon := conn.(*net.UnixConn)
	defer daemon.Close()
	k := &keeper{argv: argv}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go k.reap(children)
	buffer := make([]byte, 16)
	for {
		n, err := daemon.Read(buffer)
		if err != nil || n == 0 {
			k.finish()
			return nil
		}
		k.kill()
		theirs, err := k.start()
		if err != nil {
			_, _ = daemon.Write([]byte("!" + err.Error()))
			continue
		}
		_, _, err = daemon.WriteMsgUnix([]byte{another}, unix.UnixRights(int(theirs.Fd())), nil)
		_ = theirs.Close()
		if err != nil {
			k.finish()
			return nil
		}
	}
}

// start starts a runner and returns the daemon's end of its connection.
func (k *keeper) start() (theirs *os.File, err error) {
	theirs, its, err := pair()
	if err != nil {
		return nil, err
	}
	defer its.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	pid, err := syscall.ForkExec(self, k.argv, &syscall.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []uintptr{0, 1, 2, its.Fd()},
		// Its programs are all in its session, and can be found when it was killed.
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = theirs.Close()
		return nil, fmt.Errorf("%s: %w", strings.Join(k.argv, " "), err)
	}
	k.pid, k.ended = pid, make(chan struct{})
	return theirs, nil
}

// reap reaps the children that have ended: the runner, and processes left by runners.
func (k *keeper) reap(children <-chan os.Signal) {
	for range children {
		for {
			k.mu.Lock() // so that a runner that ends at once is known
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			own := pid > 0 && pid == k.pid
			if own {
				k.pid = 0
				sweep(pid)
				close(k.ended)
			}
			k.mu.Unlock()
			if err == unix.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
		}
	}
}

// kill ends the runner, and all of its programs.
func (k *keeper) kill() {
	k.mu.Lock()
	pid, ended := k.pid, k.ended
	if pid > 0 {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	k.mu.Unlock()
	if pid > 0 {
		<-ended
	}
}

// finish waits for the runner to end, which happens after the daemon's end.
func (k *keeper) finish() {
	k.mu.Lock()
	pid, ended := k.pid, k.ended
	k.mu.Unlock()
	if pid == 0 {
		return
	}
	select {
	case <-ended:
	case <-time.After(endWithin):
		k.kill()
	}
}

// sweep kills all processes of the session that the runner led. A program that has made its own
// session is a daemon, and continues.
func sweep(session int) {
	for range sweeps {
		left := false
		pids, _ := procfs.PIDs(procfs.Root) // without /proc nothing can be found
		for _, pid := range pids {
			if sessionOf(pid) == session {
				_ = unix.Kill(pid, unix.SIGKILL)
				left = true
			}
		}
		if !left {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// sessionOf returns the session of a process; −1 if it has ended, also if it is a zombie.
func sessionOf(pid int) int {
	stat, err := procfs.ReadStat(procfs.Root, pid)
	if err != nil || stat.Ended() {
		return -1
	}
	session, err := stat.Session()
	if err != nil {
		return -1
	}
	return session
}
