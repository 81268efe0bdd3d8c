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

	// leaving are the commands of instances and groups that a reload removed, until their stop. They
	// are those of the configuration that had them.
	leaving map[Subject][]Commands
}

// Empty reports whether there is no command.
func (s *Settings) Empty() bool {
	return len(s.Commands) == 0 && len(s.leaving) == 0 && s.Every == nil
}

// of returns the commands of an instance or a group: its own, then those for every instance.
func (s *Settings) of(name Subject) (all []Commands) {
	if all, leaves := s.leaving[name]; leaves {
		return all
	}
	if own, ok := s.Commands[name]; ok {
		all = append(all, own)
	}
	if s.Every != nil && name.Kind == Instance && s.Subjects[name] {
		all = append(all, *s.Every)
	}
	return all
}

// followedBy returns the settings after a reload: the next ones, with the commands of instances and
// groups that were removed, since these still have to stop.
func (s *Settings) followedBy(next Settings) Settings {
	next.leaving = make(map[Subject][]Commands)
	leave := func(of Subject) {
		if all := s.of(of); len(all) > 0 && !next.Subjects[of] {
			next.leaving[of] = all
		}
	}
	for of := range s.leaving {
		leave(of)
	}
	for of := range s.Subjects {
		leave(of)
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
