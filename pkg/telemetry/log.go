package telemetry

import (
	"context"
	"fmt"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// backlog is how many events may wait for the writer: less than 2 MiB.
const backlog = 4096

// Log writes the events of the events topic.
type Log struct {
	logger *Logger
	bell   bus.Bell
	ring   *bus.Ring[event.Event]
	limit  *limited
}

// SetLevel changes the level of written events. It may be called from any goroutine.
func (l *Log) SetLevel(level event.Level) { l.logger.SetLevel(level) }

// NewLog subscribes to topic at once, so that events published before Run are not missed. It starts
// nothing.
func NewLog(topic *bus.Topic[event.Event], logger *Logger) *Log {
	bell := bus.NewBell()
	return &Log{logger: logger, bell: bell, ring: bus.SubscribeRing(topic, bell, backlog), limit: newLimited()}
}

// Run writes events until ctx ends, and then those published by then: end ctx after all publishers
// have stopped. It returns nil, and not before the writer has accepted, or refused, its line: a
// writer that blocks for ever blocks Run.
func (l *Log) Run(ctx context.Context) error {
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-l.bell:
			l.drain()
		case <-due.C:
		case <-ctx.Done():
			l.drain()
			l.limit.flush(time.Now(), true, l.logger.Write)
			return nil
		}
		now := time.Now()
		l.limit.flush(now, false, l.logger.Write)
		if at, waits := l.limit.next(now); waits {
			due.Reset(at.Sub(now))
		} else {
			due.Stop()
		}
	}
}

// Lost returns how many lines of the log are missing, dropped by the backlog or refused by the
// writer. It may be called from any goroutine, also while the writer blocks.
func (l *Log) Lost() uint64 { return l.ring.Lost() + l.logger.lost.Load() }

// drain writes the events of the backlog until it is empty, which also releases the last of them.
func (l *Log) drain() {
	for events, lost := l.ring.Take(); len(events) > 0 || lost > 0; events, lost = l.ring.Take() {
		l.writeAll(events, lost)
	}
}

// writeAll writes events. Dropped events are older than these, so they are reported first, and at
// any level.
func (l *Log) writeAll(events []event.Event, lost uint64) {
	if lost > 0 {
		l.logger.always(Lost{Stamp: event.Stamp{At: time.Now()}, Count: lost, Reason: "events came faster than they could be written"})
	}
	now := time.Now()
	for _, e := range events {
		if !l.logger.takes(e) {
			continue
		}
		if e := l.limit.take(now, e); e != nil {
			l.logger.Write(e)
		}
	}
}

// Lost reports that Count events are missing in the log before it. It is made only here: a
// publisher cannot know about the loss.
type Lost struct {
	event.Stamp
	Count  uint64
	Reason string
}

var _ event.Event = Lost{}

func (Lost) Name() string { return "log.lost" }

func (Lost) Level() event.Level { return event.Warn }

func (e Lost) Message() string {
	return fmt.Sprintf("%d events are missing here: %s", e.Count, e.Reason)
}

func (e Lost) Fields() []event.Field {
	return []event.Field{{Key: "count", Value: e.Count}, {Key: "reason", Value: e.Reason}}
}
