package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	socketMode = 0o660
	dirMode    = 0o755
	maxPath    = 107         // of a unix socket: sun_path of unix(7) without its final zero
	askTimeout = time.Second // for a process that may listen already

	// A killed daemon needs a moment to die, longer on a busy machine. Until then the kernel
	// accepts connections for it.
	dyingTime = time.Second
	dyingPoll = 10 * time.Millisecond
)

// socket is a listening unix socket and the file that is its name.
type socket struct {
	path     string
	listener *net.UnixListener
	file     fs.FileInfo // to recognize it
}

// openSocket listens on path, and makes its directory if it is missing. It replaces a socket that a
// crashed daemon left, but only if no process answers on it.
func openSocket(path string) (*socket, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("socket %s: its directory cannot be made: %w", path, err)
	}
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	listener, err := listenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	// Closing would remove any file of that name, also another daemon's socket.
	listener.SetUnlinkOnClose(false)
	s := &socket{path: path, listener: listener}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	if s.file, err = os.Lstat(path); err == nil {
		err = checkMode(s.file)
	}
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return s, nil
}

// prevented reports whether the file system is why a socket could not be opened. That may change
// while the daemon runs; a wrong path, or another ripcord on it, is a reason not to start.
func prevented(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.EIO,
	}, func(cause error) bool { return errors.Is(err, cause) })
}

// listenUnix listens on a socket whose file has socketMode from its first moment on, whatever the
// umask.
func listenUnix(path string) (*net.UnixListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), socketMode) })
		return errors.Join(err, failed)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// checkDir refuses a directory in which any user may replace our socket with another.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		err = fmt.Errorf("any user may write to its directory %s (mode %v), and put another socket in its place: remove that right, or choose another control.socket", dir, info.Mode())
	}
	return err
}

// checkMode refuses a socket to which others than its owner and its group may connect: a client may
// give orders.
func checkMode(file fs.FileInfo) error {
	if mode := file.Mode().Perm(); mode&0o002 != 0 {
		return fmt.Errorf("its mode is %04o, with which any user may give orders: it has to be %04o", mode, socketMode)
	}
	return nil
}

// checkGiven refuses a socket opened by another process if others than its owner and its group may
// connect to it.
func checkGiven(l net.Listener) error {
	const where = "the socket that was passed on (LISTEN_FDS)"
	unix, ok := l.Addr().(*net.UnixAddr)
	switch {
	case !ok:
		return fmt.Errorf("%s listens on %s %v, where any user may give orders: let ListenStream= name the path of a unix socket, and use control.listen for read-only access", where, l.Addr().Network(), l.Addr())
	case unix.Name == "" || unix.Name[0] == '@':
		return fmt.Errorf("%s has no file, so any user on this machine may give orders: let ListenStream= name a path", where)
	}
	file, err := os.Lstat(unix.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // no client can connect to it by this name
	case err == nil:
		err = checkMode(file)
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w: set SocketMode=0660 in its unit", where, unix.Name, err)
	}
	return nil
}

// clearStale removes a socket on which no process listens. Only a refused connection proves that;
// with any other answer a process may be there.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("socket %s: this name belongs to a file of another kind: remove it, or choose another control.socket", path)
	}
	err = dialDying(path)
	switch {
	case err == nil:
		return fmt.Errorf("socket %s: another ripcord runs and answers there: stop it first, or choose another control.socket", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed just now
	case !errors.Is(err, syscall.ECONNREFUSED):
		// The cause is not wrapped, so that prevented does not see it: another ripcord may run.
		return fmt.Errorf("socket %s: cannot find out whether another ripcord runs: %v", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("socket %s: no process listens there, but it cannot be removed: %w", path, err)
	}
	return nil
}

// dialDying connects repeatedly for dyingTime while that succeeds. It returns nil if a process
// still listens then.
func dialDying(path string) error {
	for end := time.Now().Add(dyingTime); ; time.Sleep(dyingPoll) {
		conn, err := net.DialTimeout("unix", path, askTimeout)
		if err != nil {
			return err
		}
		_ = conn.Close()
		if time.Now().After(end) {
			return nil
		}
	}
}

// reachable reports whether the path still names this socket.
func (s *socket) reachable() bool {
	info, err := os.Lstat(s.path)
	return err == nil && os.SameFile(info, s.file)
}

// close removes the socket's name, unless it now names another socket, and ends the listener.
func (s *socket) close() error {
	if s.reachable() {
		_ = os.Remove(s.path) // a socket that stays is stale, and the next start replaces it
	}
	return s.listener.Close()
}
