package vrrp

import "slices"

// Succession relates the groups of a new configuration to those of the previous one. A group that
// continues another one keeps its state, its timers and what it has heard.
type Succession struct {
	before, next []Group
	// from is the index of the group that a new group continues; -1 if there is none.
	from []int
	home map[string]home // of the previous instances, by their names
}

// home is a previous instance and the index of its group.
type home struct {
	*Instance
	group int
}

// Succeed returns which groups of a new configuration continue which of the previous one. A group
// continues the one with its name if that has one of its virtual routers. Otherwise it continues
// the group of its first virtual router that no other group continues: it has another name, or was
// put together from others.
func Succeed(before, next []Group) *Succession {
	s := &Succession{before: before, next: next, from: make([]int, len(next)), home: make(map[string]home)}
	keys := make(map[string]int, len(before))
	for i := range before {
		keys[before[i].key()] = i
		for j := range before[i].Members {
			in := &before[i].Members[j]
			s.home[in.Name] = home{in, i}
		}
	}
	taken := make([]bool, len(before))
	for i := range next {
		s.from[i] = -1
		if at, known := keys[next[i].key()]; known && s.shares(i, at) {
			s.from[i], taken[at] = at, true
		}
	}
	for i := range next {
		for j := 0; s.from[i] < 0 && j < len(next[i].Members); j++ {
			if at := s.Origin(&next[i].Members[j]); at >= 0 && !taken[at] {
				s.from[i], taken[at] = at, true
			}
		}
	}
	return s
}

// From returns the index of the previous group that a new group continues; -1 if it continues
// none.
func (s *Succession) From(i int) int { return s.from[i] }

// Origin returns the index of the previous group of a virtual router; -1 if it is new.
func (s *Succession) Origin(in *Instance) int {
	if was, known := s.home[in.Name]; known && was.Same(in) {
		return was.group
	}
	return -1
}

// Origins returns the indexes of the previous groups that had virtual routers of a new group.
func (s *Succession) Origins(i int) (origins []int) {
	for j := range s.next[i].Members {
		if at := s.Origin(&s.next[i].Members[j]); at >= 0 && !slices.Contains(origins, at) {
			origins = append(origins, at)
		}
	}
	return origins
}

// Heirs returns the titles of the new groups that have a virtual router of the previous group with
// a title. What a person ordered for that group applies to them.
func (s *Succession) Heirs(title string) (titles []string) {
	for i := range s.next {
		if slices.ContainsFunc(s.Origins(i), func(at int) bool { return s.before[at].Title() == title }) {
			titles = append(titles, s.next[i].Title())
		}
	}
	return titles
}

// shares reports whether a new group has a virtual router of a previous one.
func (s *Succession) shares(i, at int) bool { return slices.Contains(s.Origins(i), at) }

// key returns a string that identifies a group: its name, or the name of its only instance.
func (g *Group) key() string {
	if g.Name != "" {
		return "group " + g.Name
	}
	return "instance " + g.Title()
}
