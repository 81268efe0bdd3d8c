package send

import (
	"fmt"

	"ripcord/pkg/event"
	"ripcord/pkg/thread"
)

// raisePriority lets the engine's thread run before others when it wakes: it works for
// microseconds, and what it does is what the peers wait for. It returns the scheduling that
// it got: real time or, without the permission, the best that ordinary threads can have. The
// function that it returns undoes it.
//
// With 100 instances at 10 ms on two busy cores, one advert in ten or worse comes more than
// half an interval late where the thread is only nice, one in a hundred where it runs in real
// time.
func raisePriority() (undo func(), got event.EngineThread) {
	undo, err := thread.RealTime()
	if err == nil {
		return undo, event.EngineThread{Scheduling: event.RealTime}
	}
	got = event.EngineThread{Scheduling: event.Nice, Err: fmt.Sprintf("sched_setattr: %v", err)}
	if undo, err = thread.Nice(); err != nil {
		got.Scheduling = event.Ordinary
	}
	return undo, got
}
