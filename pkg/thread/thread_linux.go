// Package thread raises the scheduling priority of a goroutine's thread: to real time at the
// lowest priority for goroutines that keep the protocol's time, and to less for those that work
// longer.
package thread

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Priority is the scheduling priority of a thread. It includes SCHED_RESET_ON_FORK: a process
// started from the thread has the default priority.
type Priority string

// The priorities.
const (
	RealTime Priority = "real-time" // SCHED_FIFO, at the lowest priority
	Nice     Priority = "nice"      // the second best of ordinary threads: nice -19
)

var attributes = map[Priority]unix.SchedAttr{
	RealTime: {Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK},
	Nice:     {Policy: unix.SCHED_NORMAL, Nice: -19, Flags: unix.SCHED_FLAG_RESET_ON_FORK},
}

// Known reports whether the priority exists.
func (p Priority) Known() bool { return attributes[p].Flags != 0 }

// Give sets the priority of the thread with the given id; 0 is the calling one. It needs
// CAP_SYS_NICE, LimitRTPRIO= or LimitNICE=, and otherwise fails with EPERM or EACCES.
func (p Priority) Give(tid int) error {
	a := attributes[p]
	if err := unix.SchedSetAttr(tid, &a, 0); err != nil {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	return nil
}

// InRealTime reports whether the thread with the given id runs in real time.
func InRealTime(tid int) bool {
	a, err := unix.SchedGetAttr(tid, 0)
	return err == nil && (a.Policy == unix.SCHED_FIFO || a.Policy == unix.SCHED_RR)
}

// Raiser raises the priority of threads of this process.
type Raiser struct {
	// Ask makes another process set the priority of a thread, for a process without the right to
	// do so; nil if this process does it itself. It returns when that is done or refused, or when
	// ctx is done.
	Ask func(ctx context.Context, tid int, p Priority) error
}

// Raise sets the priority of the calling thread, to which the goroutine must be locked, to the
// first of some priorities that is permitted, and calls done with that one (empty if none is) and
// with the error of the first one. If another process is asked, done is called later, from
// another goroutine, or never if ctx is done before. Undo restores the previous priority.
func (r Raiser) Raise(ctx context.Context, done func(got Priority, err error), priorities ...Priority) (undo func()) {
	if r.Ask == nil {
		before, err := unix.SchedGetAttr(0, 0)
		done(first(priorities, func(p Priority) error { return p.Give(0) }))
		return func() {
			if err == nil {
				_ = unix.SchedSetAttr(0, before, 0)
			}
		}
	}
	// Only the other process could restore the priority. Instead the thread ends with its
	// goroutine, which stays locked to it.
	runtime.LockOSThread()
	tid := unix.Gettid()
	go func() {
		got, err := first(priorities, func(p Priority) error { return r.Ask(ctx, tid, p) })
		if ctx.Err() == nil {
			done(got, err)
		}
	}()
	return func() {}
}

// first returns the first priority that is permitted, and the error of the first one.
func first(priorities []Priority, give func(Priority) error) (got Priority, err error) {
	for i, p := range priorities {
		failed := give(p)
		if failed == nil {
			return p, err
		}
		if i == 0 {
			err = failed
		}
	}
	return "", err
}
