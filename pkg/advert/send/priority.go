package send

import (
	"context"

	"ripcord/pkg/event"
	"ripcord/pkg/thread"
)

// raisePriority lets the engine's thread run before others when it wakes: it works for
// microseconds, and what it does is what the peers wait for. The scheduling that it got is
// logged: real time or, without the permission, the best that ordinary threads can have. The
// function that it returns undoes it.
//
// With 100 instances at 10 ms on two busy cores, one advert in ten or worse comes more than
// half an interval late where the thread is only nice, one in a hundred where it runs in real
// time.
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
