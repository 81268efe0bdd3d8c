package send

import (
	"context"

	"ripcord/pkg/event"
	"ripcord/pkg/thread"
)

// raisePriority raises the priority of the engine's thread when it wakes: it works for
// microseconds, and the peers wait for the result. The resulting scheduling is logged: real-time
// or, without the permission, the best for ordinary threads. The returned function restores the
// priority.
//
// With 100 instances at 10 ms on two busy cores, one advert in ten or more is over half an
// interval late if the thread is only nice, one in a hundred if it runs in real time.
func (e *Engine) raisePriority(ctx context.Context) (undo func()) {
	return e.cfg.Threads.Raise(ctx, func(got thread.Priority, err error) {
		report := event.EngineThread{Stamp: event.Stamp{At: e.cfg.Now()}, Scheduling: event.Scheduling(got)}
		if got == "" {
			report.Scheduling = event.Ordinary
		}
		if err != nil {
			report.Err = err.Error()
		}
		e.cfg.Events.Publish(report)
	}, thread.RealTime, thread.Nice)
}
