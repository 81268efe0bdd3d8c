package event

import (
	"slices"
	"strconv"
)

// These constants limit how often an event of one kind and subject is logged in ten seconds.
// Further events are counted, and the last of them is logged with the count when the ten seconds
// are over. Status, metrics and observers of events receive every event.
const (
	// story is the limit of events that belong to a failover. One failover produces few lines,
	// but a loose cable, adverts of unknown routers or a program that adds and removes links may
	// produce many.
	story = 100
	// others is the limit of events that other routers and programs cause, and of which one line
	// contains enough information.
	others = 5
	// once marks events that others cannot cause, and events that their producer limits and
	// counts itself: they are not limited here.
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

// These are the fields by which events of one name are limited separately. Fields that another
// router chooses, such as the source of an advert or the text of an error, are not among them.
var (
	whose = []string{"instance", "group", "interface", "device", "part", "name", "file"}
	which = []string{"reason", "what", "over"} // not for events with the limit story
)

// Subject identifies the events that are limited together: events with the same name, level and
// subject. It is small, since each instance has several.
type Subject uint64

// Class returns the common subject of all events that have the name and the level of s.
func (s Subject) Class() Subject { return s >> 32 << 32 }

// Limit returns the subject of an event and how many events of it are logged in each window; 0 if
// all are.
func Limit(e Event) (s Subject, burst int) {
	if burst = limits[e.Name()]; burst == 0 {
		return 0, 0
	}
	of := newDigest()
	for _, f := range e.Fields() {
		if slices.Contains(whose, f.Key) || burst != story && slices.Contains(which, f.Key) {
			switch v := f.Value.(type) {
			case string:
				of.add(v)
			case bool:
				of.add(strconv.FormatBool(v))
			}
		}
	}
	class := newDigest()
	class.add(e.Name())
	class.add(e.Level().String())
	return Subject(class)<<32 | Subject(of), burst
}

// digest is a 32-bit FNV-1a hash.
type digest uint32

func newDigest() digest { return 2166136261 }

// add adds a text and a terminator.
func (d *digest) add(text string) {
	for i := range len(text) {
		*d = (*d ^ digest(text[i])) * 16777619
	}
	*d = (*d ^ 0xff) * 16777619
}
