package lab

import (
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestHintsAreSaidOnce: whether the kernel reports changes of its carrier flags is logged once, at
// info. Where it does not, a link is asked as often as with `hint: off`, and a pulled cable is
// seen as soon; test/vm shows the other case.
func TestHintsAreSaidOnce(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	began := time.Now()
	s, a := alone(t)
	said := a.wait(began, patience, "link.hints", is("link.hints"))
	if said.Level != "info" {
		t.Errorf("link.hints is logged at %s, want info", said.Level)
	}
	link := a.status().Links[0]
	t.Logf("%s: hint %s, asked every %d µs", said.Msg, link.Hint, link.Confirm)
	switch {
	case link.Hint == "none" && (link.Confirm < 1000 || link.Confirm > 1_000_000):
		t.Errorf("asked every %d µs, want some 10 ms", link.Confirm)
	case link.Hint == "off" || link.Hint == "late" || link.Hint == "":
		t.Errorf("hint is %q, want none, used or unproven", link.Hint)
	}
	pulled := s.pull("a", inside)
	a.becomes("fault", pulled, patience)
	if n := a.count(began, is("link.hints")); n != 1 {
		t.Errorf("link.hints is logged %d times, want once", n)
	}
}

// TestHintsOff checks that with `hint: off` no program is attached, and that no message mentions
// one.
func TestHintsOff(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.startYAML("a", router{150, often, ""}.yaml(s, s.socket("a"))+"links: {default: {hint: off}}\n")
	a.becomes("active", began, patience)
	if link := a.status().Links[0]; link.Hint != "off" {
		t.Errorf("hint is %q, want off", link.Hint)
	}
	a.never(began, "link.hints")
}
