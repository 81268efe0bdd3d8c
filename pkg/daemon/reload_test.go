package daemon

import (
	"fmt"
	"slices"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A reload says which warnings are new, wherever they have moved to, and not all of many.
func TestReloadSaysNewWarnings(t *testing.T) {
	with := func(line int, messages ...string) *config.Config {
		c := &config.Config{}
		for _, m := range messages {
			c.Warnings = append(c.Warnings, problem.Problem{File: "x.conf", Line: line, Column: 1, Message: m})
		}
		return c
	}
	got := newWarnings(with(1, "old", "gone"), with(7, "old", "new"))
	if want := []string{"warning: x.conf:7:1: new"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprint(i))
	}
	got = newWarnings(with(1), with(1, many...))
	if len(got) != 21 || got[20] != "ripcord check lists up to 10 more warnings" {
		t.Errorf("%d: %q", len(got), got[len(got)-1])
	}
}

// TestReloadSaysAll sees that a reload names what it changed beside instances, groups and
// checks, and what is in force only after a restart for as long as that is so.
func TestReloadSaysAll(t *testing.T) {
	before := &config.Config{ScriptUser: "root"}
	next := &config.Config{ScriptUser: "nobody", Log: config.Log{Level: event.Error}, Shutdown: &config.Program{Argv: []string{"/bin/true"}}}
	if d := compare(before, next); !slices.Equal(d.changed, []string{"log.level", "script_user", "shutdown"}) || len(d.added)+len(d.removed) > 0 {
		t.Errorf("%+v", d)
	}
	if d := compare(before, before); len(d.changed) > 0 {
		t.Errorf("the same configuration changes %v", d.changed)
	}
	started, other := &config.Config{FIFO: "/run/a"}, &config.Config{FIFO: "/run/b"}
	if got := restarts(started, other); !slices.Equal(got, []string{"fifo takes a restart"}) {
		t.Errorf("%q", got)
	}
	if got := restarts(started, started); len(got) > 0 {
		t.Errorf("back at what it was started with: %q", got)
	}
}

// An instance that is another virtual router is removed and added; one that goes on is changed.
func TestReloadSaysWhatStartsAnew(t *testing.T) {
	with := func(change func(*vrrp.Instance)) *config.Config {
		in := vrrp.Instance{Virtual: event.Virtual{Name: "out", Interface: "eth0", VRID: 51, Family: event.IPv4}, Priority: 100}
		change(&in)
		return &config.Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{in}}}}
	}
	before := with(func(*vrrp.Instance) {})
	for name, change := range map[string]func(*vrrp.Instance){
		"interface":   func(in *vrrp.Instance) { in.Interface = "eth1" },
		"vrid":        func(in *vrrp.Instance) { in.VRID = 52 },
		"family":      func(in *vrrp.Instance) { in.Family = event.IPv6 },
		"virtual_mac": func(in *vrrp.Instance) { in.VirtualMAC = !in.VirtualMAC },
	} {
		out := []string{"out"}
		if d := compare(before, with(change)); !slices.Equal(d.added, out) || !slices.Equal(d.removed, out) || len(d.changed) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	for name, change := range map[string]func(*vrrp.Instance){
		"priority":            func(in *vrrp.Instance) { in.Priority = 90 },
		"virtual_mac_adverts": func(in *vrrp.Instance) { in.LinkMACAdverts = true },
	} {
		if d := compare(before, with(change)); len(d.changed) != 1 || len(d.added)+len(d.removed) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
