package event

import "strings"

// How often an event of one kind and subject is logged in ten seconds. What comes
// beyond that is counted, and the last of it is logged when the ten seconds are over,
// with the count. Status, metrics and all who observe events get each.
const (
	// story is for what tells of a failover, which is never many lines by itself, but
	// may be brought about by a loose cable, by strangers' adverts or by a program that
	// adds and removes links.
	story = 100
	// others is for what strangers and other programs do, where one line says it.
	others = 5
	// once is for what cannot be brought about by others, and for what is limited
	// where it is found, with a count of its own.
	once = 0
)

// limits are the limits of all events, by name.
var limits = func() map[string]int {
	all := make(map[string]int, len(Schema))
	for _, d := range Schema {
		all[d.Name] = d.Limit
	}
	return all
}()

// subjects are the fields that tell equal events apart. Those that a stranger chooses,
// as the source of an advert or the text of an error, are not among them.
var subjects = []string{"instance", "group", "interface", "device", "part", "reason", "what", "kind", "from", "to", "over"}

// Subject is what is limited together.
type Subject struct{ Name, Level, Of string }

// Limit returns the subject of an event and how many of it are logged in each window;
// 0: all are.
func Limit(e Event) (s Subject, burst int) {
	if burst = limits[e.Name()]; burst == 0 {
		return s, 0
	}
	var of strings.Builder
	for _, f := range e.Fields() {
		for _, key := range subjects {
			if f.Key != key {
				continue
			}
			switch v := f.Value.(type) {
			case string:
				of.WriteString(v)
			case bool:
				if v {
					of.WriteString(key)
				}
			}
			of.WriteByte(' ')
		}
	}
	return Subject{e.Name(), e.Level().String(), of.String()}, burst
}
