package bench

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// A keepalived that ends at once, as one that was built without LVS does when it is given
// --vrrp, is reported at once with what it printed, and not after half a minute of waiting.
func TestDaemonThatEndsAtOnce(t *testing.T) {
	s := stage.New(t, lan.Port{Host: "a", Name: "eth0", Segment: "s0"})
	began := time.Now()
	d, err := s.Start("a", "a", exec.Command("sh", "-c", "echo 'unrecognised option --vrrp' >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	err = d.WaitSaid("Entering BACKUP STATE")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"exit status 3", "Entering BACKUP STATE", "unrecognised option --vrrp"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
