package link

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pollSleeper sleeps in ppoll: a hundred times a second a timer of Go's and a
// channel cost 860 switches of threads, this 520 (two links, two cores). What
// remains is the runtime's own monitor thread, which every system call that ends
// an idle time wakes.
type pollSleeper struct {
	poll [1]unix.PollFd

	mu   sync.Mutex
	fd   int // an eventfd; -1 when closed
	rung bool
}

// sleeper implements kernel.
func (*linux) sleeper() sleeper {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return newTimerSleeper()
	}
	return &pollSleeper{fd: fd, poll: [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}}
}

// sleep implements sleeper.
func (s *pollSleeper) sleep(until time.Time) {
	if left := time.Until(until); left > 0 {
		timeout := unix.NsecToTimespec(int64(left))
		// An error is EINTR: to return early is allowed.
		_, _ = unix.Ppoll(s.poll[:], &timeout, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rung {
		var count [8]byte
		_, _ = unix.Read(s.fd, count[:])
		s.rung = false
	}
}

// wake implements sleeper.
func (s *pollSleeper) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rung || s.fd < 0 {
		return
	}
	s.rung = true
	one := [8]byte{0: 1} // not zero in any byte order
	_, _ = unix.Write(s.fd, one[:])
}

// close implements sleeper. Who wakes it later wakes nobody.
func (s *pollSleeper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	unix.Close(s.fd)
	s.fd = -1
}
