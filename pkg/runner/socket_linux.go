package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// network is the type of the sockets: each message is one datagram, and the end of the other
// process is noticed.
const network = "unixpacket"

// DefaultSocket is the socket of a runner that was started separately from the daemon.
const DefaultSocket = "/run/ripcord/runner.sock"

// maxClients is the number of daemons that may be connected at the same time: one, and earlier ones
// whose end has not been noticed yet.
const maxClients = 4

// Dial returns a function that connects to the runner whose socket is at a path.
func Dial(path string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, path)
	}
}

// Inherited returns the connection of an inherited descriptor.
func Inherited(fd int) (net.Conn, error) {
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "runner")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d is not a socket of ripcord run: %w", fd, err)
	}
	return conn, nil
}

// sendMessage sends a message, with the descriptor of a file unless that is nil.
func sendMessage(conn net.Conn, message []byte, file *os.File) error {
	if file == nil {
		_, err := conn.Write(message)
		return err
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("no descriptor can be sent over a %T", conn)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	// The descriptor stays open during Control, even if another goroutine closes the file.
	controlErr := raw.Control(func(fd uintptr) {
		_, _, err = socket.WriteMsgUnix(message, unix.UnixRights(int(fd)), nil)
	})
	return cmp.Or(controlErr, err)
}

// closeFiles closes those of the files that are not nil.
func closeFiles(files ...*os.File) {
	for _, file := range files {
		if file != nil {
			_ = file.Close()
		}
	}
}

// receiveMessage receives a message, with the file whose descriptor came with it; nil if none did.
func receiveMessage(conn net.Conn, buffer []byte) (n int, file *os.File, err error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		n, err = conn.Read(buffer)
		return n, nil, err
	}
	control := make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := socket.ReadMsgUnix(buffer, control)
	if err != nil || m == 0 {
		return n, nil, err
	}
	fd, err := descriptor(control[:m])
	if err != nil {
		return 0, nil, err
	}
	return n, os.NewFile(uintptr(fd), "received"), nil
}

// descriptor returns the one descriptor that came with a message.
func descriptor(control []byte) (fd int, err error) {
	var all []int
	messages, err := unix.ParseSocketControlMessage(control)
	for i := range messages {
		some, _ := unix.ParseUnixRights(&messages[i])
		all = append(all, some...)
	}
	if err == nil && len(all) == 1 {
		return all[0], nil
	}
	for _, fd := range all {
		_ = unix.Close(fd)
	}
	return -1, fmt.Errorf("%d descriptors came with a message, want one", len(all))
}

// Peer is the process at the other end of a connection.
type Peer struct {
	User int
	PID  int // 0: unknown
}

// peerOf asks the kernel for the process at the other end.
func peerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var peer *unix.Ucred
	if failed := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); failed != nil {
		return Peer{}, failed
	}
	if err != nil {
		return Peer{}, err
	}
	return Peer{int(peer.Uid), int(peer.Pid)}, nil
}

// Listen makes the socket at a path, which root and the user with that number may open. A root
// without CAP_DAC_OVERRIDE, as in ripcord run, may open it by the group of this process. Listen
// replaces a leftover socket.
func Listen(path string, user int) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("socket %s: its directory cannot be made: %w", path, err)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("socket %s: this name belongs to a file of another kind: remove it", path)
		}
		if conn, err := net.Dial(network, path); err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("socket %s: another ripcord runner answers there: stop it first", path)
		}
		_ = os.Remove(path)
	}
	// Others cannot open it for an instant: 0660 is the mode from the start.
	umask.Lock()
	was := unix.Umask(0o117)
	listener, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	unix.Umask(was)
	umask.Unlock()
	if err == nil {
		if err = give(path, user); err != nil {
			_ = listener.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return listener, nil
}

// give gives a socket to a user. Its directory may belong to that user, who could put another file
// in its place: only a socket is given away, whatever the path leads to by now.
func give(path string, user int) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	switch err := unix.Fstat(fd, &stat); {
	case err != nil:
		return err
	case stat.Mode&unix.S_IFMT != unix.S_IFSOCK || stat.Nlink != 1:
		return errors.New("another file has taken its place")
	}
	return unix.Fchownat(fd, "", user, os.Getegid(), unix.AT_EMPTY_PATH)
}

// umask is held while the process has another one.
var umask sync.Mutex

// ServeAll serves the daemons that connect, until ctx ends: those of root and of the user with that
// number. When ctx ends all programs are stopped.
func (s *Server) ServeAll(ctx context.Context, listener *net.UnixListener, user int) error {
	var clients sync.WaitGroup
	defer clients.Wait()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	slots := make(chan struct{}, maxClients)
	for {
		conn, err := listener.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("socket %s: %w", listener.Addr(), err)
		}
		peer, err := peerOf(conn)
		switch {
		case err != nil:
		case peer.User != user && peer.User != 0:
			err = errors.New("only user " + strconv.Itoa(user) + ", as whom ripcord runs, and root may")
		default:
			select {
			case slots <- struct{}{}:
			default:
				err = fmt.Errorf("%d are connected already", maxClients)
			}
		}
		if err != nil {
			s.cfg.Report(fmt.Sprintf("refused a connection of process %d of user %d: %v", peer.PID, peer.User, err))
			_ = conn.Close()
			continue
		}
		clients.Go(func() {
			s.Serve(ctx, conn, peer)
			_ = conn.Close()
			<-slots
		})
	}
}
