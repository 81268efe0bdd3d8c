package receive

import (
	"fmt"
	"strings"

	"ripcord/pkg/event"
)

// Deaf reports that an instance cannot receive adverts for now. It is an event advert.failed,
// like failures to send.
type Deaf struct {
	event.Stamp
	Instance  string
	Interface string
	Err       string
	Count     int  // failed attempts in a row
	Mended    bool // it could not for a while, and can again; Count is how often that happened
}

func (Deaf) Name() string { return "advert.failed" }

// Level returns Error: a router that hears no other believes that it is alone.
func (Deaf) Level() event.Level { return event.Error }

func (d Deaf) Message() string {
	if d.Mended {
		return fmt.Sprintf("%s could not receive adverts on %s for a while: %s; it has joined again and restarts its wait",
			d.Instance, d.Interface, d.Err)
	}
	return fmt.Sprintf("%s cannot receive adverts on %s: %s; trying again every second", d.Instance, d.Interface,
		strings.TrimSuffix(d.Err, "."))
}

func (d Deaf) Fields() []event.Field {
	return []event.Field{{Key: "instance", Value: d.Instance}, {Key: "error", Value: d.Err}, {Key: "count", Value: d.Count}}
}
