package telemetry

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"ripcord/pkg/event"
)

// Logger writes events as lines of JSON: ts, level, event and msg, then the event's own fields in
// their order, then trace and elapsed_us if the event followed from a fact (docs/events.md).
type Logger struct {
	level atomic.Int64 // an event.Level
	core  zapcore.Core
	lost  atomic.Uint64 // the number of lines that the writer ever refused

	mu      sync.Mutex
	refused uint64 // the number of lines refused since the last accepted one
	why     string // the error of the writer
}

// NewLogger returns a logger that writes events of this level or above to w. There is no sampling:
// every such event is written.
func NewLogger(w io.Writer, level event.Level) *Logger {
	// The encoder gets no keys of its own: it would put level before ts, and a reader of the log
	// expects the order of docs/events.md.
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		EncodeTime: zapcore.TimeEncoderOfLayout(time.RFC3339Nano),
	})
	l := &Logger{core: zapcore.NewCore(encoder, zapcore.AddSync(w), zapcore.DebugLevel)}
	l.SetLevel(level)
	return l
}

// Write writes one event, unless its level is below the logger's. A refused line is counted, and
// reported by a line log.lost as soon as the writer accepts lines again.
func (l *Logger) Write(e event.Event) {
	if !l.takes(e) {
		return
	}
	l.always(e)
}

// SetLevel changes the level of written events. It may be called from any goroutine.
func (l *Logger) SetLevel(level event.Level) { l.level.Store(int64(level)) }

// takes reports whether the level of an event is high enough to be written.
func (l *Logger) takes(e event.Event) bool { return e.Level() >= event.Level(l.level.Load()) }

// always writes an event of any level.
func (l *Logger) always(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused > 0 {
		lost := Lost{Stamp: event.Stamp{At: e.When().At}, Count: l.refused, Reason: "the log could not be written: " + l.why}
		if l.line(lost) == nil {
			l.refused = 0
		}
	}
	if err := l.line(e); err != nil {
		l.refused++
		l.lost.Add(1)
		l.why = err.Error()
	}
}

// line writes the line of an event.
func (l *Logger) line(e event.Event) error {
	stamp := e.When()
	own := e.Fields()
	fields := make([]zap.Field, 0, len(own)+6)
	fields = append(fields,
		zap.String("ts", stamp.At.UTC().Format(stampLayout)),
		zap.String("level", e.Level().String()),
		zap.String("event", e.Name()),
		zap.String("msg", event.Sentence(e)))
	for _, f := range own {
		fields = append(fields, field(f))
	}
	if elapsed, ok := stamp.Elapsed(); ok {
		fields = append(fields,
			zap.String("trace", stamp.Cause.Trace.String()),
			zap.Int64("elapsed_us", elapsed.Microseconds()))
	}
	return l.core.Write(zapcore.Entry{}, fields)
}

// stampLayout is RFC 3339 with all nine digits of the nanoseconds, so that the lines of several
// daemons sort as text.
const stampLayout = "2006-01-02T15:04:05.000000000Z07:00"

// field converts a field of an event to one of zap. A zero time is unknown, and written as null; a
// nil list is written as an empty one.
func field(f event.Field) zap.Field {
	switch v := f.Value.(type) {
	case nil:
		return zap.Reflect(f.Key, nil)
	case time.Time:
		if v.IsZero() {
			return zap.Reflect(f.Key, nil)
		}
		return zap.Time(f.Key, v.UTC())
	case []time.Time:
		texts := make([]string, len(v))
		for i, t := range v {
			texts[i] = t.UTC().Format(time.RFC3339Nano)
		}
		return zap.Strings(f.Key, texts)
	}
	return zap.Any(f.Key, f.Value)
}
