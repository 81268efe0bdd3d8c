package event

import (
	"strings"
	"time"
)

// Level is the level of an event in the log.
type Level uint8

// The levels, lowest first.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

// String returns the word that the configuration and the log use.
func (l Level) String() string { return [...]string{"debug", "info", "warn", "error"}[l] }

// Event is a fact for the log that a person may want to know.
type Event interface {
	// Name returns the event's name, one of Schema.
	Name() string
	// Level returns the level at which it is logged.
	Level() Level
	// Message returns one sentence for a person.
	Message() string
	// Fields returns the event's own fields, in the order in which they are written.
	Fields() []Field
	// When returns the instant and the cause.
	When() Stamp
}

// Sentence returns the message of an event on one line: a text from a driver, a library or the
// kernel may have several.
func Sentence(e Event) string {
	const breaks = "\n\r\v\f\u0085\u2028\u2029"
	message := strings.Trim(e.Message(), breaks)
	if !strings.ContainsAny(message, breaks) {
		return message
	}
	lines := strings.FieldsFunc(message, func(r rune) bool { return strings.ContainsRune(breaks, r) })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// Field is one field of a log line. Value is a string, bool, number,
// time.Time, a slice of these, nil for null, or a document to be written as
// JSON.
type Field struct {
	Key   string
	Value any
}

// Stamp is when an event happened, and its cause. A zero Cause.Trace means that it has none.
type Stamp struct {
	Cause Cause
	At    time.Time
}

// When returns the stamp, so that an event need only embed it.
func (s Stamp) When() Stamp { return s }

// Elapsed returns the time from the cause to this event; false if the event has no cause.
func (s Stamp) Elapsed() (time.Duration, bool) {
	if s.Cause.Trace == 0 {
		return 0, false
	}
	return s.At.Sub(s.Cause.At), true
}

// Virtual identifies a virtual router: the configured instance and its interface, VRID and
// family. Group is empty for an instance outside any group.
type Virtual struct {
	Name      string
	Group     string
	Interface string
	VRID      uint8
	Family    Family
}
