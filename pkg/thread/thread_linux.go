// Package thread lets the thread of a goroutine run before others. It decides what
// that is: real time at the lowest priority for who keeps the protocol's time, and
// less for who works longer. A goroutine that calls it must be locked to its thread.
package thread

import "golang.org/x/sys/unix"

// niceness is the best that an ordinary thread can have, but one.
const niceness = -19

// RealTime has the calling thread run in real time (SCHED_FIFO) at the lowest
// priority. It needs CAP_SYS_NICE or LimitRTPRIO=, and without fails with EPERM.
// Undo gives back what the thread had.
func RealTime() (undo func(), err error) {
	return set(unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1})
}

// Nice has the calling thread run before ordinary ones (nice -19). It needs
// CAP_SYS_NICE or LimitNICE=, and without fails with EPERM or EACCES. Undo gives
// back what the thread had.
func Nice() (undo func(), err error) {
	return set(unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: niceness})
}

func set(want unix.SchedAttr) (undo func(), err error) {
	undo = func() {}
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return undo, err
	}
	want.Flags = unix.SCHED_FLAG_RESET_ON_FORK // who is started from here begins as everybody
	if err := unix.SchedSetAttr(0, &want, 0); err != nil {
		return undo, err
	}
	return func() { _ = unix.SchedSetAttr(0, before, 0) }, nil
}
