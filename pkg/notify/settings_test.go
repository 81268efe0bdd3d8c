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
		if got.of(outside).Any == nil || !got.HasAddresses["outside"] || len(got.Requests()) > 0 {
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
	if back.stopped(outside); len(back.leaving) > 0 || back.of(outside).Any == nil {
		t.Errorf("an instance that is back: %+v", back)
	}
}
