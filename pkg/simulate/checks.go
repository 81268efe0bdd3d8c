package simulate

import (
	"slices"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// checks returns the checks that are tracked, once each.
func checks(groups []vrrp.Group) (names []string) {
	for g := range groups {
		for _, t := range trackers(&groups[g]) {
			if t.Kind == vrrp.TrackCheck && !slices.Contains(names, t.Name) {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// specs returns how the checks of a configuration run.
func specs(c *config.Config) (all []track.Spec) {
	for _, k := range c.Checks {
		all = append(all, k.Spec)
	}
	return all
}

// spec returns how a check of the router runs; the zero value if it has none of that name.
func (r *router) spec(name string) track.Spec {
	for _, c := range r.configs() {
		for _, k := range c.Checks {
			if k.Name == name {
				return k.Spec
			}
		}
	}
	return track.Spec{}
}

// pings reports whether a check waits for the answer to a ping, whose failure is a timeout.
func (r *router) pings(name string) bool {
	_, is := r.spec(name).Probe.(track.Ping)
	return is
}

// knows returns how long it takes at most until the router knows that a check fails, or that it
// passes.
func (r *router) knows(name string) time.Duration {
	s := r.spec(name)
	run := max(s.Interval, s.EffectiveTimeout())
	return time.Duration(max(s.Rise, s.Fall, 1)+1) * run
}
