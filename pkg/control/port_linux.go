package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// openPort listens on a TCP address that need not exist on this machine yet: a management network
// that comes late must not cost the metrics.
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
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENODEV):
		return nil, fmt.Errorf("control.listen %s: its interface does not exist: make it, or name another: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("control.listen %s: %w", address, err)
	}
	return l, nil
}
