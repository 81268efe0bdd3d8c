package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// RunDir is the directory of the lock of each network namespace, unless Options name another.
const RunDir = "/run/ripcord"

// ErrRunning says that another ripcord runs in the network namespace: two would take each other's
// addresses for leftovers.
var ErrRunning = errors.New("another ripcord runs in this network namespace")

// lockSocket is an abstract unix socket, which belongs to the network namespace and disappears with
// the process. Any user may bind that name, so a holder counts as a ripcord only if it is root, our
// own user, or has the rights of a daemon. The socket finds a ripcord that shares the network
// namespace but not RunDir, as in a container.
const lockSocket = "@ripcord"

// Lock makes its holder the only ripcord of its network namespace. It ends with the process,
// however the process ends.
type Lock struct {
	file   *os.File // locked with flock(2); nil if it could not be made
	path   string
	socket net.Listener // nil if another process has bound the name
	doubt  string       // why there is no file

	closing sync.Once
}

// A killed daemon needs a moment to die, longer on a busy machine, and holds the lock until then.
const (
	dyingTime = time.Second
	dyingPoll = 10 * time.Millisecond
)

// AcquireLock locks the network namespace of the calling thread, by a file in dir that is named
// after the namespace and that only root, or the user of the daemon, can open. It returns
// ErrRunning if another process holds the lock for dyingTime. If the file cannot be made, the
// socket alone is the lock, and Doubt says so.
func AcquireLock(dir string) (*Lock, error) {
	l := &Lock{}
	err := waitForDying(func() error { return l.lockFile(dir) })
	if errors.Is(err, ErrRunning) {
		return nil, err
	}
	if err != nil {
		l.doubt = err.Error()
	}
	if err := waitForDying(l.bindSocket); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// waitForDying repeats try for dyingTime while it returns ErrRunning.
func waitForDying(try func() error) error {
	for end := time.Now().Add(dyingTime); ; time.Sleep(dyingPoll) {
		if err := try(); !errors.Is(err, ErrRunning) || time.Now().After(end) {
			return err
		}
	}
}

// lockFile makes the directory and the file, and locks it.
func (l *Lock) lockFile(dir string) error {
	space, err := networkNamespace()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of the lock: %w", err)
	}
	l.path = filepath.Join(dir, space+".lock")
	return l.take()
}

// take makes the file and locks it. The holder of a lock removes the file at the end, so a file that
// no longer has that name is not locked but made again.
func (l *Lock) take() error {
	const attempts = 16
	for range attempts {
		file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return fmt.Errorf("open the lock: %w", err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			defer file.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return fmt.Errorf("%w: stop it first (%s)", ErrRunning, l.holder(file))
			}
			return fmt.Errorf("lock %s: %w", l.path, err)
		}
		if sameFile(file, l.path) {
			l.file = file
			_ = file.Truncate(0)
			_, _ = fmt.Fprintln(file, os.Getpid()) // so that people can find the holder
			return nil
		}
		_ = file.Close()
	}
	return fmt.Errorf("%s was removed by others each time that it was locked", l.path)
}

// networkNamespace returns a name for the network namespace of the calling thread.
func networkNamespace() (string, error) {
	var space unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &space); err != nil {
		return "", fmt.Errorf("find out the network namespace: %w", err)
	}
	return fmt.Sprintf("%s%d", namespaceFiles, space.Ino), nil
}

// ForgetNamespace removes the files in dir of daemons that were killed together with their network
// namespace, of that inode: nobody could find out there what the files were for.
func ForgetNamespace(dir, inode string) error {
	left, err := filepath.Glob(filepath.Join(dir, namespaceFiles+inode+".*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// namespaceFiles is the prefix of the names of files that belong to a network namespace.
const namespaceFiles = "netns-"

// record returns the prefix of the names of files in dir that have to outlive a crash: daemons of
// two network namespaces may share the directory.
func record(dir string) string {
	space, err := networkNamespace()
	if err != nil {
		space = "netns"
	}
	return filepath.Join(dir, space)
}

func sameFile(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, now)
}

// holder returns a sentence about the process that holds the lock.
func (l *Lock) holder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if pid, perr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && perr == nil {
		return fmt.Sprintf("process %d holds %s", pid, l.path)
	}
	return "another process holds " + l.path
}

// bindSocket binds the abstract socket. If a process that is not a ripcord has bound it, that is
// not an error.
func (l *Lock) bindSocket() error {
	listener, err := net.Listen("unix", lockSocket)
	if err != nil {
		if pid, trusted := socketHolder(); errors.Is(err, syscall.EADDRINUSE) && trusted {
			return fmt.Errorf("%w: stop it first (process %d holds the abstract socket %s)", ErrRunning, pid, lockSocket)
		}
		return nil
	}
	l.socket = listener
	go func() { // socketHolder connects to find out who we are; the goroutine ends with Close
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return nil
}

// socketHolder returns the process that has bound the abstract socket, and reports whether it may
// be a ripcord.
func socketHolder() (pid int, trusted bool) {
	conn, err := net.DialTimeout("unix", lockSocket, time.Second)
	if err != nil {
		return 0, false // bound by a process that does not listen, as every ripcord does
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid, trusted = int(peer.Pid), peer.Uid == 0 || int(peer.Uid) == os.Geteuid() || hasRights(int(peer.Pid))
		}
	})
	return pid, trusted
}

// hasRights reports whether a process may change addresses. Every process has all rights in its own
// user namespace, so it must be in ours; if that is unknown, the answer is no.
func hasRights(pid int) bool {
	ours, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		return false
	}
	its, err := os.Stat(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil || !os.SameFile(ours, its) {
		return false
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(pid)}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0
}

// Doubt returns the event which reports that a second ripcord might not be noticed, or nil.
func (l *Lock) Doubt() event.Event {
	if l.file != nil {
		return nil
	}
	return event.DaemonLock{Stamp: event.Stamp{At: time.Now()}, Err: l.doubt, Alone: l.socket != nil}
}

// Close releases the lock. A second call does nothing.
func (l *Lock) Close() (err error) {
	l.closing.Do(func() { err = l.close() })
	return err
}

func (l *Lock) close() error {
	var errs []error
	if l.socket != nil {
		errs = append(errs, l.socket.Close())
	}
	if l.file != nil {
		if sameFile(l.file, l.path) {
			_ = os.Remove(l.path) // while it is locked; a file that stays does no harm
		}
		errs = append(errs, l.file.Close())
	}
	return errors.Join(errs...)
}
