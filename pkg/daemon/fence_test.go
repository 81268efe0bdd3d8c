package daemon

import (
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestAdviseFences requires that a fence command that would not run is named with its group.
func TestAdviseFences(t *testing.T) {
	fence := func(path string) *vrrp.Fence { return &vrrp.Fence{Argv: []string{path}} }
	inside := []vrrp.Instance{{Virtual: event.Virtual{Name: "inside"}}}
	got := adviseFences(&config.Config{ScriptUser: "root", Groups: []vrrp.Group{
		{Name: "edge", Fence: fence("/bin/true")}, {Members: inside, Fence: fence("/usr/bin/not-here")}, {Name: "none"},
	}})
	if len(got) != 1 || got[0] != "the fence command of inside will not run: /usr/bin/not-here does not exist" {
		t.Errorf("%q", got)
	}
}
