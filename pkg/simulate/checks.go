package simulate

import (
	"slices"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// checks returns the names of the checks that groups track, without duplicates.
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

// specs returns the specifications of the checks of a configuration.
func specs(c *config.Config) (all []track.Spec) {
	for _, k := range c.Checks {
		all = append(all, k.Spec)
	}
	return all
}

// spec returns the specification of a check of the router; the zero value if it has no check of
// that name.
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

// pings reports whether a check is a ping, which fails by a timeout.
func (r *router) pings(name string) bool {
	_, is := r.spec(name).Probe.(track.Ping)
	return is
}

// detectionTime returns the longest time from a change of what a check tests until the router has
// noticed it.
func (r *router) detectionTime(name string) time.Duration {
	s := r.spec(name)
	run := max(s.Interval, s.EffectiveTimeout())
	return time.Duration(max(s.Rise, s.Fall, 1)+1) * run
}
