package receive

import (
	"fmt"
	"strings"

	"ripcord/pkg/event"
)

// Deaf reports that an instance cannot hear adverts for now: the other half of
// advert.failed.
type Deaf struct {
	event.Stamp
	Instance  string
	Interface string
	Err       string
	Count     int  // attempts in a row
	Mended    bool // it could not for a while, and can again; Count is how often
}

func (Deaf) Name() string { return "advert.failed" }

// Level is Error: a router that hears nobody believes itself alone.
func (Deaf) Level() event.Level { return event.Error }

func (d Deaf) Message() string {
	if d.Mended {
		return fmt.Sprintf("%s could not hear adverts on %s for a while: %s; it has joined again, and waits anew",
			d.Instance, d.Interface, d.Err)
	}
	return fmt.Sprintf("%s cannot hear adverts on %s: %s; trying again each second", d.Instance, d.Interface,
		strings.TrimSuffix(d.Err, "."))
}

func (d Deaf) Fields() []event.Field {
	return []event.Field{{Key: "instance", Value: d.Instance}, {Key: "error", Value: d.Err}, {Key: "count", Value: d.Count}}
}
