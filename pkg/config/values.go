package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// A shownKey is a key of T that a reload names in its log when its values changed.
type shownKey[T any] struct {
	key    string
	values func(*T) []any
	// text returns the change for the log, given the first of the values. Nil: the log has only the
	// name of the key, since its values are long, or secret.
	text func(before, next any) string
}

var shownOfInstance = []shownKey[instancePart]{
	{"group", func(p *instancePart) []any { return []any{cmp.Or(p.Group, "none")} }, replaced},
	{"priority", func(p *instancePart) []any { return []any{p.Priority} }, replaced},
	{"interval", func(p *instancePart) []any { return []any{p.Interval} }, replaced},
	{"miss", func(p *instancePart) []any { return []any{p.Miss} }, replaced},
	{"routers", func(p *instancePart) []any { return []any{p.Routers} }, replaced},
	{"preempt", func(p *instancePart) []any { return []any{p.Preempt} }, replaced},
	{"preempt_delay", func(p *instancePart) []any { return []any{p.PreemptDelay} }, replaced},
	{"startup_delay", func(p *instancePart) []any { return []any{p.StartupDelay} }, replaced},
	{"version", func(p *instancePart) []any { return []any{p.Version} }, nil},
	{"addresses", func(p *instancePart) []any { return []any{p.Addresses, p.set.Addresses} }, moved},
	{"extra_addresses", func(p *instancePart) []any { return []any{p.Extra} }, moved},
	{"accept", func(p *instancePart) []any { return []any{p.set.Refuse} }, nil},
	{"announce", func(p *instancePart) []any { return []any{p.set.Announce} }, nil},
	{"routes or rules", func(p *instancePart) []any { return []any{p.set.Routes} }, nil},
	{"source", func(p *instancePart) []any { return []any{p.Source} }, nil},
	{"track_source", func(p *instancePart) []any { return []any{p.IgnoreSource} }, nil},
	{"unicast", func(p *instancePart) []any { return []any{p.Unicast} }, nil},
	{"multicast", func(p *instancePart) []any { return []any{p.Multicast} }, nil},
	{"virtual_mac_adverts", func(p *instancePart) []any { return []any{p.LinkMACAdverts} }, nil},
	{"checksum", func(p *instancePart) []any { return []any{p.Checksum, p.AutoChecksum} }, nil},
	{"auth", func(p *instancePart) []any { return []any{p.Auth, p.HMAC} }, nil},
	{"probe", func(p *instancePart) []any { return []any{p.Watching} }, nil},
	{"filter", func(p *instancePart) []any { return []any{p.ReadsEach} }, nil},
	{"links", func(p *instancePart) []any { return []any{p.link, p.Recovery} }, nil},
	{"track_link", func(p *instancePart) []any { return []any{p.IgnoreLink} }, nil},
	{"track", func(p *instancePart) []any { return []any{p.Track, p.Weighted} }, nil},
	{"notify", func(p *instancePart) []any { return []any{p.notify} }, nil},
	{"fence", func(p *instancePart) []any { return []any{p.fence} }, nil},
}

var shownOfGroup = []shownKey[groupPart]{
	{"name", func(p *groupPart) []any { return []any{p.Name} }, replaced},
	{"members", func(p *groupPart) []any { return []any{p.members} }, nil},
	{"track", func(p *groupPart) []any { return []any{p.Track} }, nil},
	{"fault", func(p *groupPart) []any { return []any{p.FaultAll} }, nil},
	{"last_standing", func(p *groupPart) []any { return []any{p.LastStanding} }, nil},
	{"fence", func(p *groupPart) []any { return []any{p.Fence} }, nil},
	{"notify", func(p *groupPart) []any { return []any{p.notify} }, nil},
}

// replaced returns a new value and the old one.
func replaced(before, next any) string { return fmt.Sprintf("%v (was %v)", next, before) }

// moved returns which addresses were added and removed.
func moved(before, next any) string {
	var texts []string
	without := func(what string, list, other []netip.Addr) {
		var only []string
		for _, a := range list {
			if !slices.Contains(other, a) {
				only = append(only, a.String())
			}
		}
		if len(only) > 0 {
			texts = append(texts, what+" "+strings.Join(only, " "))
		}
	}
	was, is := before.([]netip.Addr), next.([]netip.Addr)
	without("added", is, was)
	without("removed", was, is)
	return strings.Join(texts, " and ")
}

// changedValues returns which keys of an instance or a group changed, as they are compared, or an
// empty string for other settings.
func changedValues(old, next any) string {
	switch was := old.(type) {
	case instancePart:
		return changedKeys(shownOfInstance, was, next.(instancePart))
	case groupPart:
		return changedKeys(shownOfGroup, was, next.(groupPart))
	}
	return ""
}

func changedKeys[T any](keys []shownKey[T], was, is T) string {
	var texts []string
	for _, k := range keys {
		before, after := k.values(&was), k.values(&is)
		if reflect.DeepEqual(before, after) {
			continue
		}
		text := ""
		if k.text != nil {
			text = k.text(before[0], after[0])
		}
		if text == "" {
			text = "changed"
		}
		texts = append(texts, k.key+" "+text)
	}
	return strings.Join(texts, ", ")
}
