package daemon

import (
	"fmt"
	"slices"
	"testing"

	"ripcord/pkg/config"
)

// A reload says which warnings are new, wherever they have moved to, and not all of many.
func TestReloadSaysNewWarnings(t *testing.T) {
	with := func(line int, messages ...string) *config.Config {
		c := &config.Config{}
		for _, m := range messages {
			c.Warnings = append(c.Warnings, config.Problem{File: "x.conf", Line: line, Column: 1, Message: m})
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
