// Package timerfd lets a goroutine sleep with sub-millisecond precision; Go's own timers wait
// whole milliseconds. Go's poller waits for a timerfd of the kernel: a goroutine that slept in a
// system call would keep one of Go's processors, and keep the thread awake that takes processors
// back.
//
// Only New allocates. One goroutine waits; any goroutine may set and interrupt the timer, until
// it is closed.
package timerfd

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Timer is a timer of the kernel, timerfd_create(2), on its monotonic clock.
type Timer struct {
	file  *os.File
	fd    int // the same descriptor, for Set
	raw   syscall.RawConn
	read  func(fd uintptr) (done bool)
	errno unix.Errno // of the last read
}

// New returns a timer that is not set. The caller must close it.
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

// Set makes the timer expire after a time, and replaces a previous one; at once if the time is
// not positive.
func (t *Timer) Set(left time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(left, 1)))} // 0 would disarm it
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil)                             // cannot fail: our descriptor, a valid time
}

// Wait returns when the timer has expired since the last Wait or Set. It fails with
// os.ErrDeadlineExceeded while it is interrupted, and once it is closed.
func (t *Timer) Wait() error {
	if err := t.raw.Read(t.read); err != nil {
		return err
	}
	if t.errno != 0 {
		return os.NewSyscallError("read", t.errno)
	}
	return nil
}

// readOnce reads the timer, if it has expired. It never waits, so it can bypass Go's scheduler.
func (t *Timer) readOnce(fd uintptr) (done bool) {
	var count [8]byte
	_, _, t.errno = unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&count[0])), uintptr(len(count)))
	return t.errno != unix.EAGAIN
}

// Interrupt ends a Wait, and all later ones until Resume.
func (t *Timer) Interrupt() { _ = t.file.SetReadDeadline(time.Unix(1, 0)) } // it has passed

// Resume lets Wait wait again.
func (t *Timer) Resume() { _ = t.file.SetReadDeadline(time.Time{}) }

// Close closes the descriptor and ends a Wait. Interrupt does nothing afterwards.
func (t *Timer) Close() error { return t.file.Close() }
