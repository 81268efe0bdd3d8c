package event

import (
	"slices"
	"strings"
	"time"
)

// The events of addresses (AddressMoved) and of routes (RouteMoved) share levels and fields, and
// with those of macvlans (DeviceMoved) the message of a failure.

// movedLevel returns Warn for a change that others made to what an instance holds, Error for a
// failure; kind is the name of an event.
func movedLevel(kind string) Level {
	switch _, what, _ := strings.Cut(kind, "."); what {
	case "restored", "foreign", "marked", "replaced":
		return Warn
	case "failed":
		return Error
	}
	return Info
}

// failed returns the message of a failure. The instance is empty for objects that an earlier run
// left behind; what is empty if no particular object was to be changed.
func failed(instance, what, why string) string {
	parts := slices.DeleteFunc([]string{instance, what, why}, func(part string) bool { return part == "" })
	return strings.Join(parts, ": ")
}

// movedFields returns the fields of an event; name is the key of the held objects.
func movedFields(instance, name string, held []string, took time.Duration, failure string) []Field {
	var fields []Field
	if instance != "" { // otherwise an earlier run left them behind
		fields = append(fields, Field{"instance", instance})
	}
	fields = append(fields, Field{name, held}, Field{"took_us", took.Microseconds()})
	if failure != "" {
		fields = append(fields, Field{"error", failure})
	}
	return fields
}
