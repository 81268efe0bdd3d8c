package telemetry

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/ratelimit"
)

const (
	limitWindow = 10 * time.Second
	maxSubjects = 4096 // the number of subjects that are limited separately
)

// limited omits from the log, and counts, events that other routers and programs can repeat at will.
type limited struct {
	limiter *ratelimit.Limiter[event.Subject]
	last    map[event.Subject]event.Event // of the omitted events
}

func newLimited() *limited {
	return &limited{ratelimit.New(limitWindow, maxSubjects, event.Subject.Class), make(map[event.Subject]event.Event)}
}

// take returns the event to log now; nil if it is omitted.
func (l *limited) take(now time.Time, e event.Event) event.Event {
	subject, burst := event.Limit(e)
	if burst == 0 {
		return e
	}
	as, count, pass := l.limiter.Hit(now, subject, burst)
	if !pass {
		l.last[as] = e
		return nil
	}
	delete(l.last, as)
	return repeated(e, count)
}

// flush yields the last of the omitted events that is due for each subject, with its count; with
// all, of every subject.
func (l *limited) flush(now time.Time, all bool, yield func(event.Event)) {
	l.limiter.Flush(now, all, func(s event.Subject, count uint64) {
		if e := l.last[s]; e != nil {
			yield(repeated(e, count))
		}
		delete(l.last, s)
	})
	l.limiter.Forget(now)
}

// next returns when flush has something to do; false if never.
func (l *limited) next(now time.Time) (time.Time, bool) {
	if at, waits := l.limiter.Next(); waits {
		return at, true
	}
	return now.Add(limitWindow), l.limiter.Len() > 0 // to drop subjects that are over
}

// counted is an event that represents several.
type counted struct {
	event.Event
	count uint64
}

func repeated(e event.Event, count uint64) event.Event {
	if count <= 1 {
		return e
	}
	return counted{e, count}
}

// Fields returns the fields of the event, and the count.
func (c counted) Fields() []event.Field {
	return append(c.Event.Fields(), event.Field{Key: "count", Value: c.count})
}
