package main

import (
	"strings"
	"testing"
)

// TestComplete completes the names of the daemon's instances and groups and of the machine's
// interfaces. A daemon that does not answer gives no completions.
func TestComplete(t *testing.T) {
	socket := fakeDaemon(t, "pulled")
	for _, c := range []struct {
		args []string
		want string // a line
		none bool
	}{
		{[]string{"status", "--socket", socket, ""}, "inside\tinstance, fault", false},
		{[]string{"release", "--socket", socket, "ed"}, "edge\tgroup, fault", false},
		{[]string{"fence", "--socket", socket, ""}, "edge\tgroup, fault", false},
		{[]string{"resume", "--socket", socket, "edge", ""}, "", true},
		{[]string{"status", "--socket", "/nowhere/s", ""}, "", true},
		{[]string{"status", "--format", ""}, "keepalived-json", false},
		{[]string{"link", ""}, "lo", false},
	} {
		_, out, _ := try(t, append([]string{"__complete"}, c.args...)...)
		completions, directive, _ := strings.Cut(out, ":")
		if c.none && completions != "" || !c.none && !strings.Contains("\n"+completions, "\n"+c.want+"\n") || directive == "" {
			t.Errorf("%q completes %q", c.args, out)
		}
	}
}
