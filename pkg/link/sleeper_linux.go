package link

import (
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileSleeper sleeps until a timerfd can be read, which Go's own poller waits for: a
// goroutine that sleeps in the kernel keeps a processor of Go's, and with it awake
// the thread that takes processors back. A timer of Go's and a channel cost more.
type fileSleeper struct {
	file *os.File // of the timerfd
	fd   int      // the same, for who sleeps
	raw  syscall.RawConn

	mu   sync.Mutex
	rung bool
}

// sleeper implements kernel.
func (*linux) sleeper() sleeper {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return newTimerSleeper()
	}
	s := &fileSleeper{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.close()
		return newTimerSleeper()
	}
	return s
}

// sleep implements sleeper.
func (s *fileSleeper) sleep(until time.Time) {
	if left := time.Until(until); left > 0 {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
		_ = unix.TimerfdSettime(s.fd, 0, &spec, nil) // a valid time and descriptor
		_ = s.raw.Read(expired)                      // an error is a wake or a close: to return early is allowed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rung {
		s.rung = false
		_ = s.file.SetReadDeadline(time.Time{})
	}
}

// expired takes the timer's word, if it has one. It never waits, so Go's scheduler
// need not be told of the call.
func expired(fd uintptr) (done bool) {
	var count [8]byte
	_, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&count[0])), uintptr(len(count)))
	return errno != unix.EAGAIN
}

// wake implements sleeper.
func (s *fileSleeper) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rung {
		s.rung = true
		_ = s.file.SetReadDeadline(time.Unix(1, 0)) // it has passed
	}
}

// close implements sleeper. Who wakes it later wakes nobody.
func (s *fileSleeper) close() { _ = s.file.Close() }
