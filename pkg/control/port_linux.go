package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// callers is how many may be connected over the network at once; who comes
// beyond that waits in the kernel's queue. The daemon's descriptors are for its
// own sockets.
const callers = 32

// openPort listens on a TCP address that need not be on this machine yet: a
// router must not fail to start because its management network is late.
func openPort(address string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_IP, syscall.IP_FREEBIND, 1)
		})
		return errors.Join(err, failed)
	}}
	l, err := config.Listen(context.Background(), "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("control.listen %s: another program listens there (`ss -ltnp` names it): stop it, or choose another port", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("control.listen %s: no permission for a port below 1024: choose a higher one: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("control.listen %s: %w", address, err)
	}
	return &limited{Listener: l, free: make(chan struct{}, callers), done: make(chan struct{})}, nil
}

// pause is how long Accept waits after an error before it tries again.
const pause = time.Second

// limited accepts a connection only while there are fewer than its limit. Until
// it is closed no error ends it: whoever only reads must not end a router.
type limited struct {
	net.Listener
	free chan struct{} // one for each connection
	once sync.Once
	done chan struct{}
}

// Accept waits for a place first.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			return &call{Conn: c, l: l}, nil
		case errors.Is(err, net.ErrClosed):
			<-l.free
			return nil, err
		}
		select {
		case <-time.After(pause):
		case <-l.done:
		}
	}
}

// Close ends a waiting Accept too.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// call is a connection that has a place.
type call struct {
	net.Conn
	l    *limited
	once sync.Once
}

// Close gives the place back.
func (c *call) Close() error {
	c.once.Do(func() { <-c.l.free })
	return c.Conn.Close()
}
