package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"name", "interface", "vrid", "family", "version", "priority", "interval", "miss", "preempt", "preempt_delay", "addresses"}
	for wrong, want := range map[string]string{
		"vird": "vrid", "vrd": "vrid", "VRID": "", "prioritiy": "priority", "adresses": "addresses",
		"adverts": "", "": "", "z": "", "preemt": "preempt", "intervall": "interval",
		strings.Repeat("x", 1<<16): "",
	} {
		if got := Nearest(wrong, names); got != want {
			t.Errorf("nearest to %.20q is %q, want %q", wrong, got, want)
		}
	}
	for _, d := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "acb", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3}} {
		if got := distance(d.a, d.b); got != d.want {
			t.Errorf("distance(%q, %q) = %d, want %d", d.a, d.b, got, d.want)
		}
	}
}
