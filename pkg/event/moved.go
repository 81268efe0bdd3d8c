package event

import (
	"strings"
	"time"
)

// The events of addresses (AddressMoved) and of routes (RouteMoved) differ in
// the words alone.

// movedLevel is Warn for what others did to what an instance holds, Error for a
// failure; kind is an event's name.
func movedLevel(kind string) Level {
	switch _, what, _ := strings.Cut(kind, "."); what {
	case "restored", "foreign", "marked", "replaced":
		return Warn
	case "failed":
		return Error
	}
	return Info
}

// movedFields returns the fields of what is held, under this name.
func movedFields(instance, name string, held []string, took time.Duration, failure string) []Field {
	var fields []Field
	if instance != "" { // else nobody held them: left behind by an earlier run
		fields = append(fields, Field{"instance", instance})
	}
	fields = append(fields, Field{name, held}, Field{"took_us", took.Microseconds()})
	if failure != "" {
		fields = append(fields, Field{"error", failure})
	}
	return fields
}
