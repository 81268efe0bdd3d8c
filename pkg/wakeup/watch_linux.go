package wakeup

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Question is a system call that asks whether a condition holds. A Waiter repeats it while it
// sleeps.
type Question struct {
	Call  uintptr // the number of the system call
	Args  [3]uintptr
	Holds *uint32 // the call sets this, to 0 if it does not hold
}

// Watch holds questions that a Waiter asks once per period while it sleeps. Meanwhile the goroutine
// holds none of Go's processors and does not return, so a round costs only the time of its system
// calls.
type Watch struct {
	Questions []Question
	Every     time.Duration // the period
	Limit     time.Duration // a round that takes longer is the last one
}

// Watch sleeps for a number of periods and asks the questions of x. It returns early if a
// condition no longer holds, if a question fails or takes longer than the limit, or soon after
// Wake. It may also return early for no reason.
func (w *Waiter) Watch(x *Watch, periods int) {
	if w.watch(x, unix.NsecToTimespec(int64(x.Every)), periods) {
		w.alarm.reset()
	}
}

// watch reports whether the alarm has rung. Between entersyscallblock and exitsyscall nothing may
// grow the stack: what is called there is nosplit, too.
//
//go:nosplit
//go:norace
func (w *Waiter) watch(x *Watch, every unix.Timespec, periods int) (rung bool) {
	entersyscallblock()
	for ; periods > 0; periods-- {
		timeout := every // which the kernel counts down
		ready, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&w.poll)), 1, uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
		if rung = errno == 0 && ready > 0; rung || errno != 0 {
			break
		}
		if began := rawNow(); !x.hold() || rawNow()-began > int64(x.Limit) {
			break
		}
	}
	exitsyscall()
	return rung
}

// hold asks each question once, and reports whether all conditions hold.
//
//go:nosplit
//go:norace
func (x *Watch) hold() bool {
	questions := x.Questions
	for i := range questions {
		q := &questions[i]
		_, _, errno := unix.RawSyscall(q.Call, q.Args[0], q.Args[1], q.Args[2])
		if errno != 0 || atomic.LoadUint32(q.Holds) == 0 {
			return false
		}
	}
	return true
}

// rawNow returns the monotonic clock in nanoseconds.
//
//go:nosplit
//go:norace
func rawNow() int64 {
	var now unix.Timespec
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&now)), 0)
	return int64(now.Sec)*1e9 + int64(now.Nsec)
}
