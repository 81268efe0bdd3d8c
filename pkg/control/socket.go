package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	socketMode = 0o660
	dirMode    = 0o755
	maxPath    = 107         // of a unix socket: sun_path of unix(7) less its final zero
	askTimeout = time.Second // for whoever may listen already
)

// socket is a listening unix socket and the file that is its name.
type socket struct {
	path     string
	listener *net.UnixListener
	file     fs.FileInfo // to know it again
}

// openSocket listens on path, with the directory made where it is missing. A socket that a
// crashed daemon left is replaced, but only if nobody answers on it.
func openSocket(path string) (*socket, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("socket %s: its directory cannot be made: %w", path, err)
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
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
	if s.file, err = os.Lstat(path); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return s, nil
}

// clearStale removes a socket on which nobody listens. Only a refused
// connection proves that; with any other answer somebody may be there.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("socket %s: something else has that name: remove it, or choose another control.socket", path)
	}
	conn, err := net.DialTimeout("unix", path, askTimeout)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("socket %s: another ripcord runs and answers there: stop it first, or choose another control.socket", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed just now
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("socket %s: cannot find out whether another ripcord runs: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("socket %s: nobody listens there, but it cannot be removed: %w", path, err)
	}
	return nil
}

// remove takes the socket's name away, unless it names another by now.
func (s *socket) remove() {
	info, err := os.Lstat(s.path)
	if err == nil && os.SameFile(info, s.file) {
		_ = os.Remove(s.path) // what stays is stale, and the next start replaces it
	}
}
