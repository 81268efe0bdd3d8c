package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/test/netns"
)

// TestSharedAddress uses one address in two instances: it exists while either is Active, is
// announced by each that becomes Active, and answers without a gap when one of them fails.
func TestSharedAddress(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a")
	since := time.Now()
	a := s.startYAML("a", fmt.Sprintf(`control: {socket: %s}
defaults: {interface: eth0, priority: 150, interval: %v, announce: {count: 1, again_after: 0s}}
instances:
  - {name: one, vrid: 51, addresses: [192.0.2.1/24, 192.0.2.51/24]}
  - {name: two, vrid: 52, addresses: [192.0.2.1/24, 192.0.2.52/24]}
`, s.socket("a"), interval))
	a.becomes("active", since, 8*time.Second)
	both := map[string]string{"one": "active", "two": "active"}
	a.are(both, patience)
	stands := func(want bool) {
		t.Helper()
		until(t, patience, fmt.Sprintf("192.0.2.1 to stand: %t", want), func() bool { return s.holds("a", inside) == want })
	}
	stands(true)
	watch := s.watch(inside, 5*time.Millisecond)
	began := time.Now()
	for _, falls := range []string{"one", "two"} {
		moved := time.Now()
		a.order(control.ReleasePath, falls)
		a.are(map[string]string{"one": either(falls == "one"), "two": either(falls == "two")}, patience)
		time.Sleep(5 * interval)
		stands(true)
		for _, l := range a.log(moved) {
			if strings.HasPrefix(l.Event, "address.") && strings.Contains(l.Msg, "192.0.2.1/24") {
				t.Errorf("%s fell: %s", falls, l.Msg)
			}
		}
		back := time.Now()
		a.order(control.ResumePath, falls)
		a.are(both, patience)
		a.wait(back, patience, "that the address is held for "+falls+", too", func(l line) bool {
			return l.Event == "address.added" && l.Instance == falls
		})
	}
	s.servedBy("a", inside, watch, began, patience)
	s.uninterrupted(watch, began)
	a.order(control.ReleasePath, "one")
	a.order(control.ReleasePath, "two")
	stands(false)
}

// either is the state of an instance that was released, or of another.
func either(released bool) string {
	if released {
		return "fault"
	}
	return "active"
}
