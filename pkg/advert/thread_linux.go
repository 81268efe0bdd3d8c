package advert

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// hasten lets the calling thread, which must be locked to its goroutine, run
// before others when it wakes: it works for microseconds, and what it does is
// what the peers wait for. It says what it got: real time at the lowest priority,
// or else, without the right to (CAP_SYS_NICE or LimitRTPRIO=), the best that
// ordinary threads can have. The function that it returns undoes it.
//
// With 100 instances at 10 ms on two cores that other processes burn, one advert
// in ten or worse comes more than half an interval late where the thread is only
// nice, one in a hundred where it runs in real time.
func hasten() (undo func(), got event.EngineThread) {
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return func() {}, event.EngineThread{Scheduling: event.Ordinary, Err: fmt.Sprintf("sched_getattr: %v", err)}
	}
	undo = func() { _ = unix.SchedSetAttr(0, before, 0) }
	// Whoever is started from this thread begins as everybody does.
	const alone = unix.SCHED_FLAG_RESET_ON_FORK
	err = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1, Flags: alone}, 0)
	if err == nil {
		return undo, event.EngineThread{Scheduling: event.RealTime}
	}
	got = event.EngineThread{Scheduling: event.Hastened, Err: fmt.Sprintf("sched_setattr: %v", err)}
	if unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: niceness, Flags: alone}, 0) != nil {
		got.Scheduling = event.Ordinary
	}
	return undo, got
}

// niceness is the second best.
const niceness = -19
