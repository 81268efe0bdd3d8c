package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
)

// TestRunProgram requires that a program that is run once is waited for, and that its result,
// whatever it is, is one event.
func TestRunProgram(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	for _, c := range []struct {
		name   string
		user   string
		script string
		within time.Duration
		want   event.NotifyResult
	}{
		{"good", strconv.Itoa(os.Geteuid()), "sleep 0.1; touch " + made, time.Minute, event.NotifyDone},
		{"failing", strconv.Itoa(os.Geteuid()), "exit 3", time.Minute, event.NotifyFailed},
		{"slow", strconv.Itoa(os.Geteuid()), "exec sleep 60", 300 * time.Millisecond, event.NotifyKilled},
		{"of nobody", "nobody-here", "exit 0", time.Minute, event.NotifyUnrun},
	} {
		program := &config.Program{Argv: []string{"/bin/sh", "-c", c.script}, Timeout: c.within}
		got := runProgram(context.Background(), command.Local{}, &config.Config{ScriptUser: c.user}, command.ForStartup, program)
		if ran, ok := got.(event.ProgramRan); !ok || ran.Result != c.want || ran.Program != "startup" || (ran.Err == "") != (c.want == event.NotifyDone) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
	if _, err := os.Stat(made); err != nil {
		t.Errorf("runProgram did not wait for the program: %v", err)
	}
}
