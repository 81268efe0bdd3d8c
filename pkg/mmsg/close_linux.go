package mmsg

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// Close closes descriptors together. To close a packet socket the kernel waits for an RCU grace
// period, some 10 ms; sockets that are closed together share it.
func Close(fds ...int) error {
	errs := make([]error, len(fds))
	var all sync.WaitGroup
	for i, fd := range fds {
		all.Go(func() { errs[i] = unix.Close(fd) })
	}
	all.Wait()
	return errors.Join(errs...)
}
