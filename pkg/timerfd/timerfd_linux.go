// Package timerfd lets a goroutine sleep with sub-millisecond precision; Go's own
// timers wait in whole milliseconds. Go's poller waits for a timerfd of the kernel:
// a goroutine that slept in a system call would keep one of Go's processors, and with
// it keep the thread awake that takes processors back.
//
// Nothing here allocates but New. One goroutine waits; any may set and interrupt,
// until it is closed.
package timerfd

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Timer is a timer of the kernel's, timerfd_create(2), by its monotonic clock.
type Timer struct {
	file  *os.File
	fd    int // the same, for Set
	raw   syscall.RawConn
	read  func(fd uintptr) (done bool)
	errno unix.Errno // of the last read
}

// New returns a timer that is not set. Close it.
func New() (*Timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	t := &Timer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	t.read = t.readOnce
	if t.raw, err = t.file.SyscallConn(); err != nil {
		_ = t.file.Close()
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	return t, nil
}

// Set has the timer expire after a time, in place of the one it was set to before; at once if
// that is not positive.
func (t *Timer) Set(left time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(left, 1)))} // 0 would disarm it
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil)                             // cannot fail: our descriptor, a valid time
}

// Wait returns when the timer has expired since the last Wait or Set. It fails
// with os.ErrDeadlineExceeded while it is interrupted, and once it is closed.
func (t *Timer) Wait() error {
	if err := t.raw.Read(t.read); err != nil {
		return err
	}
	if t.errno != 0 {
		return os.NewSyscallError("read", t.errno)
	}
	return nil
}

// readOnce takes the timer's word, if it has one. It never waits, so Go's scheduler
// need not be told of the call.
func (t *Timer) readOnce(fd uintptr) (done bool) {
	var count [8]byte
	_, _, t.errno = unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&count[0])), uintptr(len(count)))
	return t.errno != unix.EAGAIN
}

// Interrupt ends a Wait, and those that follow until Resume.
func (t *Timer) Interrupt() { _ = t.file.SetReadDeadline(time.Unix(1, 0)) } // it has passed

// Resume lets Wait wait again.
func (t *Timer) Resume() { _ = t.file.SetReadDeadline(time.Time{}) }

// Close frees the descriptor and ends a Wait. To interrupt it afterwards does nothing.
func (t *Timer) Close() error { return t.file.Close() }
