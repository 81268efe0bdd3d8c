package command

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCloseOnExec requires that an inherited descriptor does not reach a program.
func TestCloseOnExec(t *testing.T) {
	for name, seal := range map[string]func() error{"close_range": CloseOnExec, "one by one": closeEachOnExec} {
		const odd = 47
		inherited, err := unix.Open("/proc/self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup2(inherited, odd); err != nil { // without FD_CLOEXEC, like a descriptor inherited from a parent
			t.Fatal(err)
		}
		c := Command{Argv: []string{"/bin/sh", "-c", "[ -e /proc/self/fd/47 ] && echo open || echo closed"}, Timeout: time.Minute}
		if r, _ := run(t, t.Context(), c); strings.TrimSpace(r.Output) != "open" {
			t.Errorf("%s: before: %q: this test shows nothing", name, r.Output)
		}
		if err := seal(); err != nil {
			t.Fatal(err)
		}
		if r, _ := run(t, t.Context(), c); strings.TrimSpace(r.Output) != "closed" {
			t.Errorf("%s: %q", name, r.Output)
		}
		_, _ = unix.Close(odd), unix.Close(inherited)
	}
}
