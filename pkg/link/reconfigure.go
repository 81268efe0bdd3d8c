package link

import "slices"

// Reconfigured is a new configuration: other links are watched, or in another way. The states
// of the links are kept.
type Reconfigured struct {
	Watched, Called []string
	Default         Settings
	Links           map[string]Settings
	Sources         Sources
}

func (Reconfigured) observation() {}

// reconfigured takes a new configuration, and decides anew about all links that it may
// concern.
func (s *step) reconfigured(to Reconfigured) {
	before := s.known
	s.configure(to)
	s.addresses.configure(to.Sources)
	for _, e := range slices.Clone(s.order) {
		e.watched = false
		for name := range e.seen.names {
			e.watched = e.watched || s.known[name]
		}
		s.chooseSources(s.addresses.on(e.seen.Index))
		s.settle(e, 0)
	}
	for _, name := range s.watched {
		if !before[name] && s.byName[name] == nil {
			s.publishAbsentName(name)
		}
	}
	s.Replan = true
}
