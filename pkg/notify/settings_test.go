package notify

import "testing"

// TestFollowedBy requires that after a reload the commands are those of the new configuration,
// possibly none; an instance that was removed keeps its own until it stops.
func TestFollowedBy(t *testing.T) {
	settings := func(commands bool, names ...string) *Settings {
		s := &Settings{Commands: make(map[Subject]Commands), HasAddresses: make(map[string]bool), Subjects: make(map[Subject]bool)}
		for _, name := range names {
			of := Subject{Instance, name}
			s.Subjects[of], s.HasAddresses[name] = true, true
			if commands {
				s.Commands[of] = Commands{Any: &Command{Argv: []string{"/bin/true"}}}
			}
		}
		return s
	}
	got := settings(true, "inside", "outside").followedBy(*settings(false, "inside"))
	if _, kept := got.Commands[Subject{Instance, "inside"}]; kept {
		t.Error("a command that the new configuration lacks is kept")
	}
	outside := Subject{Instance, "outside"}
	removed := func(got Settings) {
		t.Helper()
		if len(got.of(outside)) != 1 || !got.HasAddresses["outside"] || len(got.Requests()) > 0 {
			t.Errorf("an instance that was removed has no command for its stop, or its command is checked still: %+v", got)
		}
	}
	removed(got)
	got = got.followedBy(*settings(false, "inside"))
	removed(got)
	got.stopped(outside)
	if !got.Empty() || got.HasAddresses["outside"] || len(got.Subjects) != 1 {
		t.Errorf("after its stop: %+v", got)
	}
	back := settings(true, "inside", "outside").followedBy(*settings(false, "inside"))
	back = back.followedBy(*settings(true, "inside", "outside"))
	if back.stopped(outside); len(back.leaving) > 0 || len(back.of(outside)) != 1 {
		t.Errorf("an instance that is back: %+v", back)
	}
}

// TestEveryForRemoved requires that an instance that a reload removed runs the commands for every
// instance of the configuration that it was in, not those of the new one.
func TestEveryForRemoved(t *testing.T) {
	outside := Subject{Instance, "outside"}
	settings := func(every string, subjects ...Subject) Settings {
		s := Settings{Subjects: make(map[Subject]bool), HasAddresses: make(map[string]bool)}
		for _, of := range subjects {
			s.Subjects[of] = true
		}
		if every != "" {
			s.Every = &Commands{Any: &Command{Argv: []string{every}}, Every: true}
		}
		return s
	}
	for before, after := range map[string]string{"": "/bin/new", "/bin/old": "", "/bin/before": "/bin/after"} {
		s := settings(before, outside, Subject{Group, "edge"})
		s = s.followedBy(settings(after, Subject{Instance, "inside"}))
		got := ""
		for _, c := range s.of(outside) {
			got += c.Any.Argv[0]
		}
		if got != before {
			t.Errorf("from %q to %q: the removed instance runs %q", before, after, got)
		}
		if all := s.of(Subject{Group, "edge"}); len(all) > 0 {
			t.Errorf("from %q to %q: the removed group runs commands for instances", before, after)
		}
	}
}
