package simulate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/golden"
)

// TestExplain keeps the table of a pair of which one has a check, and sees that each line is
// true of the acts that it names.
func TestExplain(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "old=old.keepalived.conf", "new.yaml"), Segments: []Segment{{"lan", []Port{{"old", "eth0"}, {"new", "ens3"}}}}, Seed: 1})
	all, err := Explain(l)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/explain.txt", ExplanationText(all))
	for _, e := range all {
		r := l.Play(acts(t, l, e.Acts[0]), 20*time.Second)
		if _, worst, _ := r.WorstOutage(); worst.Long() != e.Outage {
			t.Errorf("%s: %v, want %v", e.Fault, worst.Long(), e.Outage)
		}
	}
}

// TestChaosFindings: the same seed finds the same, and the lines of each finding show it.
func TestChaosFindings(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "old=old.keepalived.conf", "new.yaml"), Segments: []Segment{{"lan", []Port{{"old", "eth0"}, {"new", "ens3"}}}}, Seed: 1})
	found, err := Chaos(l, 6, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(chaosKinds)+1 {
		t.Errorf("%d kinds, want %d", len(found), len(chaosKinds)+1)
	}
	outages, splits := 0, 0
	for _, f := range found {
		show := func(what string, bad time.Duration, acts []string, of func(outage, split time.Duration) time.Duration) {
			for left := range len(acts) + 1 { // without the line of that number
				part := slices.Clone(acts)
				if left < len(acts) {
					part = slices.Delete(part, left, left+1)
				}
				outage, split, err := worst(l, part)
				if got := of(outage, split); err != nil || (left == len(acts)) != (got >= bad && got <= bad+bad/20) {
					t.Errorf("%s: %q shows %s of %v, %q %v (%v)", f.Kind, acts, what, bad, part, got, err)
				}
			}
		}
		if f.Outage > 0 {
			outages++
			show("an outage", f.Outage, f.OutageActs, func(outage, _ time.Duration) time.Duration { return outage })
		}
		if f.Split > 0 {
			splits++
			show("two Actives", f.Split, f.SplitActs, func(_, split time.Duration) time.Duration { return split })
		}
	}
	if outages < 5 || splits < 2 {
		t.Errorf("%d kinds with an outage, %d with two Actives: this proves nothing", outages, splits)
	}
	again, err := Chaos(l, 6, 3)
	if got, want := fmt.Sprint(again, err), fmt.Sprint(found, error(nil)); got != want {
		t.Errorf("again:\n%s, want\n%s", got, want)
	}
	if text := FindingsText(found); !strings.Contains(text, "--at '") {
		t.Error(text)
	}
}
