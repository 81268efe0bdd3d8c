package daemon

import (
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A fence command that would not run is named with whom it is for.
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

// A reload that changes the fence of an instance changes that instance.
func TestReloadedFence(t *testing.T) {
	with := func(f *vrrp.Fence) *config.Config {
		return &config.Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{{Virtual: event.Virtual{Name: "inside"}}}, Fence: f}}}
	}
	one, other := with(&vrrp.Fence{Argv: []string{"/bin/true"}}), with(&vrrp.Fence{Argv: []string{"/bin/false"}})
	if d := compare(one, other); len(d.changed) != 1 || d.changed[0] != "inside" {
		t.Errorf("another fence changes %v", d.changed)
	}
	if d := compare(one, with(&vrrp.Fence{Argv: []string{"/bin/true"}})); len(d.changed) != 0 {
		t.Errorf("the same fence changes %v", d.changed)
	}
}
