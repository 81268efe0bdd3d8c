package daemon

import (
	"fmt"
	"slices"
	"testing"

	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
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

// TestReloadSaysWhatTakesARestart sees that a reload names what is in force only after a restart
// for as long as that is so.
func TestReloadSaysWhatTakesARestart(t *testing.T) {
	started, other := &config.Config{FIFO: "/run/a"}, &config.Config{FIFO: "/run/b"}
	if got := restarts(started, other); !slices.Equal(got, []string{"fifo takes a restart"}) {
		t.Errorf("%q", got)
	}
	if got := restarts(started, started); len(got) > 0 {
		t.Errorf("back at what it was started with: %q", got)
	}
}
