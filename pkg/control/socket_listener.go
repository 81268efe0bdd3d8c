package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"ripcord/pkg/event"
)

// socketCheck is the period of checks of the socket's file, and of attempts to open the socket.
const socketCheck = 10 * time.Second

// socketListener listens on the unix socket. When the file of the socket was removed, it opens the
// socket again. While the file system prevents the socket, no client can connect, and the server
// runs nevertheless: a router must not fail because of it.
type socketListener struct {
	path     string
	warnings *event.Warnings
	period   time.Duration // socketCheck, except in tests

	next      chan *socket // the newest socket, for Accept; closed at the end
	accepting *socket      // the socket that Accept uses; nil before the first one

	mu     sync.Mutex
	open   *socket // nil until the socket could be opened; only keep replaces it
	closed bool
}

// listenSocket opens the socket. If the file system prevents that, keep tries again; any other error
// is returned.
func listenSocket(path string, warnings *event.Warnings) (*socketListener, error) {
	l := &socketListener{path: path, warnings: warnings, period: socketCheck, next: make(chan *socket, 1)}
	opened, err := openSocket(path)
	switch {
	case err == nil:
		l.use(opened)
	case prevented(err):
		l.warn(failure(err))
	default:
		return nil, err
	}
	return l, nil
}

// keep checks in each period, until ctx ends, that clients reach the socket.
func (l *socketListener) keep(ctx context.Context) error {
	ticker := time.NewTicker(l.period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.check()
		case <-ctx.Done():
			return nil
		}
	}
}

// check opens the socket if its path does not name it.
func (l *socketListener) check() {
	if l.open == nil || !l.open.reachable() {
		opened, err := openSocket(l.path)
		if err != nil {
			l.warn(failure(err))
			return
		}
		if l.open != nil {
			l.warn(fmt.Sprintf("the file of the control socket %s was removed or replaced: ripcord has made it again", l.path))
		}
		l.use(opened)
	}
	now := time.Now()
	l.warnings.Clear(l.warning("", now).Key(), event.Stamp{At: now})
}

// use makes Accept use another socket. The connections of the previous one stay open.
func (l *socketListener) use(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = s.close()
		return
	}
	if l.open != nil {
		_ = l.open.close()
	}
	l.open = s
	select {
	case <-l.next: // Accept has not taken the previous one
	default:
	}
	l.next <- s
}

// Accept waits for the next connection, and for a socket while none is open.
func (l *socketListener) Accept() (net.Conn, error) {
	for {
		if l.accepting != nil {
			conn, err := l.accepting.listener.Accept()
			if !errors.Is(err, net.ErrClosed) {
				return conn, err
			}
		}
		next, more := <-l.next
		if !more {
			return nil, net.ErrClosed
		}
		l.accepting = next
	}
}

// Close ends Accept and removes the file of the socket.
func (l *socketListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	close(l.next)
	if l.open == nil {
		return nil
	}
	return l.open.close()
}

// Addr returns the path.
func (l *socketListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// warn reports that clients do not reach the socket.
func (l *socketListener) warn(text string) { l.warnings.Report(l.warning(text, time.Now())) }

func (l *socketListener) warning(text string, now time.Time) event.Warning {
	return event.Warning{
		Stamp: event.Stamp{At: now}, Instance: event.MachineName, Reason: event.WarnControlSocket, Subject: l.path, Text: text,
	}
}

// failure describes why the socket is not open, and what to do.
func failure(err error) string {
	text := fmt.Sprintf("%v; the router runs, but no command of ripcord reaches it (status, reload, release, handover); it tries again every %v", err, socketCheck)
	if prevented(err) {
		text += ": free space in the directory of the socket, or make it writable for ripcord"
	}
	return text
}
