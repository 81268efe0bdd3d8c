package daemon

import (
	"fmt"
	"slices"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
)

// TestReloadSaysNewWarnings requires that a reload lists the new warnings, wherever others have
// moved to, but not all of many.
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

// TestReloadSaysWhatTakesARestart requires that a reload names the keys that need a restart, as
// long as they do.
func TestReloadSaysWhatTakesARestart(t *testing.T) {
	started, other := &config.Config{FIFO: "/run/a"}, &config.Config{FIFO: "/run/b"}
	if got := restarts(started, other); !slices.Equal(got, []string{"fifo takes a restart"}) {
		t.Errorf("%q", got)
	}
	if got := restarts(started, started); len(got) > 0 {
		t.Errorf("with the values of the start again: %q", got)
	}
}
