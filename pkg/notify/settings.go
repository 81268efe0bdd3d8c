package notify

import "ripcord/pkg/command"

// Settings are the notify commands of all instances and groups.
type Settings struct {
	// Commands contains the commands of each instance and group that has any.
	Commands map[Subject]Commands
	// Every contains the commands that run for every instance, beside its own; nil: none.
	Every *Commands
	// HasAddresses contains the instances that have addresses: their transitions wait for these.
	HasAddresses map[string]bool
	// Subjects contains all instances and groups.
	Subjects map[Subject]bool

	// leaving are the commands of instances and groups that a reload removed, until their stop.
	leaving map[Subject]Commands
}

// Empty reports whether there is no command.
func (s *Settings) Empty() bool {
	return len(s.Commands) == 0 && len(s.leaving) == 0 && s.Every == nil
}

// of returns the commands of an instance or a group.
func (s *Settings) of(name Subject) Commands {
	if c, leaves := s.leaving[name]; leaves {
		return c
	}
	return s.Commands[name]
}

// followedBy returns the settings after a reload: the next ones, with the commands of instances and
// groups that were removed, since these still have to stop.
func (s *Settings) followedBy(next Settings) Settings {
	next.leaving = make(map[Subject]Commands)
	for _, commands := range []map[Subject]Commands{s.leaving, s.Commands} {
		for of, c := range commands {
			if !next.Subjects[of] {
				next.leaving[of] = c
			}
		}
	}
	for name, has := range s.HasAddresses {
		if !next.Subjects[Subject{Instance, name}] {
			next.HasAddresses[name] = has
		}
	}
	return next
}

// stopped drops an instance or a group that a reload removed, since its stop was emitted.
func (s *Settings) stopped(of Subject) {
	if s.Subjects[of] {
		return
	}
	delete(s.leaving, of)
	if of.Kind == Instance {
		delete(s.HasAddresses, of.Name)
	}
}

// Requests returns the request for each command of the configuration, without the parts that depend
// on the transition.
func (s *Settings) Requests() (all []command.Request) {
	for of, c := range s.Commands {
		all = append(all, c.Requests(of.Kind, of.Name)...)
	}
	if s.Every != nil {
		for of := range s.Subjects {
			if of.Kind == Instance {
				all = append(all, s.Every.Requests(Instance, of.Name)...)
			}
		}
	}
	return all
}
