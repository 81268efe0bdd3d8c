package event

import (
	"fmt"
	"strings"
	"time"
)

// RouteKind is the kind of a RouteMoved.
type RouteKind string

// The kinds, named as in the log.
const (
	RouteAdded    RouteKind = "route.added"
	RouteRemoved  RouteKind = "route.removed"
	RouteRestored RouteKind = "route.restored"
	RouteFailed   RouteKind = "route.failed"
	// RouteForeign: a route or rule without our mark exists in place of ours.
	RouteForeign RouteKind = "route.foreign"
	// RouteReplaced: a route or rule that was to be removed had been removed or replaced by
	// another program.
	RouteReplaced RouteKind = "route.replaced"
)

// RouteMoved reports that routes or rules of an instance were added or removed.
type RouteMoved struct {
	Stamp
	Kind     RouteKind
	Instance string
	Routes   []string      // routes and rules, in the notation of the ip program
	Took     time.Duration // from the order to the kernel's answer
	Err      string        // for RouteFailed: what failed, and what to do
}

func (e RouteMoved) Name() string { return string(e.Kind) }

// Level returns Warn for changes that others made, Error for a failure.
func (e RouteMoved) Level() Level { return movedLevel(e.Name()) }

func (e RouteMoved) Message() string {
	list := strings.Join(e.Routes, ", ")
	switch e.Kind {
	case RouteAdded:
		return fmt.Sprintf("%s added %s", e.Instance, list)
	case RouteRemoved:
		if e.Instance == "" {
			return fmt.Sprintf("removed %s, which an earlier run had left behind", list)
		}
		return fmt.Sprintf("%s removed %s", e.Instance, list)
	case RouteRestored:
		return fmt.Sprintf("%s restored %s, which another program had removed or replaced, or which was lost with its interface: if this happens again, find out what removes it", e.Instance, list)
	case RouteReplaced:
		return fmt.Sprintf("%s found that another program removed or replaced %s: a route or rule in its place is not ripcord's and is kept", e.Instance, list)
	case RouteForeign:
		return fmt.Sprintf("%s found one in the place of %s that ripcord did not add: it is used and will not be removed: remove it from the machine's configuration if it must not stay when another router serves", e.Instance, list)
	}
	return failed(e.Instance, list, e.Err)
}

func (e RouteMoved) Fields() []Field {
	return movedFields(e.Instance, "routes", append([]string{}, e.Routes...), e.Took, e.Err)
}
