package router

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerfd is an Alarm that is finer than Go's timers, whose poller sleeps in
// whole milliseconds.
type timerfd struct {
	file *os.File
	fd   int
	c    chan struct{}
}

var _ Alarm = (*timerfd)(nil)

// NewAlarm returns an Alarm of a timerfd. Its Run closes it.
func NewAlarm() (Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &timerfd{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd, c: make(chan struct{}, 1)}, nil
}

// Set arms the timer; an instant that has passed rings at once.
func (a *timerfd) Set(at time.Time) {
	left := max(time.Until(at), 1)
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
	_ = unix.TimerfdSettime(a.fd, 0, &spec, nil) // cannot fail: our descriptor, a valid time
}

// C is readable when the instant has come.
func (a *timerfd) C() <-chan struct{} { return a.c }

// Run waits for the timer until ctx ends.
func (a *timerfd) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = a.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	defer a.file.Close()
	var count [8]byte
	for ctx.Err() == nil {
		if _, err := a.file.Read(count[:]); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("timerfd: %w", err)
		}
		select {
		case a.c <- struct{}{}:
		default:
		}
	}
	return nil
}
