package doctor

import (
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestScope requires that a link that is down is not listed as one on which the doctor listened.
func TestScope(t *testing.T) {
	f := Facts{Plan: Plan{File: "ripcord.yaml"}, Listened: 4 * time.Second, Links: []Link{
		{Link: event.Link{Name: "eth0", Index: 2, AdminUp: true, Carrier: true}}, {Link: event.Link{Name: "eth1", Index: 3}},
	}}
	for _, want := range []string{
		"looked at this machine for ripcord.yaml, and listened for 4s on eth0",
		"looked at this machine for ripcord.yaml, and listened for 4s on no link",
	} {
		if got := Scope(&f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		f.Links[0].AdminUp = false
	}
}
