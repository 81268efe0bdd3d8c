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
	// RouteForeign: in the place of what was to be added stands one without our mark.
	RouteForeign RouteKind = "route.foreign"
	// RouteReplaced: it was to be removed, and somebody had removed or replaced it.
	RouteReplaced RouteKind = "route.replaced"
)

// RouteMoved reports that routes or rules of an instance came or went.
type RouteMoved struct {
	Stamp
	Kind     RouteKind
	Instance string
	Routes   []string      // routes and rules, as the ip program writes them
	Took     time.Duration // from the order to the kernel's answer
	Err      string        // for RouteFailed: what failed, and what to do
}

func (e RouteMoved) Name() string { return string(e.Kind) }

// Level returns Warn for what others did, Error for a failure.
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
		return fmt.Sprintf("%s put back %s, which somebody had removed or replaced, or which had gone with its interface", e.Instance, list)
	case RouteReplaced:
		return fmt.Sprintf("%s finds that somebody removed or replaced %s: what stands in its place, if anything does, is not ripcord's and stays", e.Instance, list)
	case RouteForeign:
		return fmt.Sprintf("%s finds in the place of %s one that ripcord did not add: that one is used and will not be removed", e.Instance, list)
	}
	return failed(e.Instance, list, e.Err)
}

func (e RouteMoved) Fields() []Field {
	return movedFields(e.Instance, "routes", append([]string{}, e.Routes...), e.Took, e.Err)
}
