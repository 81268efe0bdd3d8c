package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// What was released is there when the file is opened again, less what is over; not
// after a boot, and not of a file that is no such.
func TestReleasesOutlive(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	r, err := openReleases(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []vrrp.Released{
		{Group: "edge", On: true}, {Group: "dmz", On: true, Until: now.Add(time.Hour)}, {Group: "lab", On: true, Until: now.Add(time.Minute)},
		{Group: "gone", On: true}, {Group: "gone"},
	} {
		if err := r.note(order, now); err != nil {
			t.Fatal(err)
		}
	}
	names := func(at time.Time) string {
		t.Helper()
		again, err := openReleases(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range again.current() {
			if !o.On {
				t.Errorf("%s is remembered as resumed", o.Group)
			}
			names = append(names, o.Group)
		}
		return strings.Join(names, " ")
	}
	if got := names(now); got != "edge dmz lab" {
		t.Errorf("after a restart %q are released", got)
	}
	if got := names(now.Add(2 * time.Minute)); got != "edge dmz" {
		t.Errorf("two minutes later %q are", got)
	}
	text, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), r.boot, "00000000-0000-0000-0000-000000000000", 1)
	if err := os.WriteFile(r.path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(now); got != "" {
		t.Errorf("after a boot %q are released", got)
	}
	if err := os.WriteFile(r.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := openReleases(dir, now); err == nil || len(again.current()) > 0 {
		t.Errorf("half a file: %v, %v", again.current(), err)
	}
	for _, g := range r.current() {
		if err := r.note(vrrp.Released{Group: g.Group}, now); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("nothing is released, and %v are left", left)
	}
}
