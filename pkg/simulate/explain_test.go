package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/golden"
)

// TestExplain compares the table of a pair of routers, one of them with a check, with a golden
// file, and checks that the acts of each line reproduce its figures.
func TestExplain(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "old=old.keepalived.conf", "new.yaml"), Segments: []Segment{{"lan", []Port{{"old", "eth0"}, {"new", "ens3"}}}}, Seed: 1})
	all, err := Explain(l)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/explain.txt", ExplanationText(all))
	for _, e := range all {
		r := played(t, l, acts(t, l, e.Acts[0]), 20*time.Second)
		if _, worst, _ := r.WorstOutage(); worst.Long() != e.Outage {
			t.Errorf("%s: the acts cause an outage of %v, want %v as in the table", e.Fault, worst.Long(), e.Outage)
		}
	}
}

// TestExplainAlone checks an outage that lasts until the fault is over: it has no length of its
// own, and the outage after the end of the fault is measured from that end.
func TestExplainAlone(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "left.yaml"), Seed: 1})
	all, err := Explain(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Serves != "nobody" || !e.Lasts || e.Back != "left" || e.BackLasts || e.BackOutage == 0 || e.BackOutage != e.BackAfter {
			t.Errorf("%+v", e)
		}
	}
	golden.Check(t, "testdata/explain_alone.txt", ExplanationText(all))
}

// TestInterrupted checks that Play, Explain and Chaos return at once when they are interrupted.
func TestInterrupted(t *testing.T) {
	left := 0 // calls of Interrupted until it returns an error
	want := errors.New("interrupted")
	o := Options{Routers: routers(t, "left.yaml", "right.yaml"), Seed: 1, Interrupted: func() error {
		if left--; left < 0 {
			return want
		}
		return nil
	}}
	l := newLAN(t, o)
	for name, play := range map[string]func() error{
		"Play":    func() error { _, err := l.Play(nil, time.Minute); return err },
		"Explain": func() error { _, err := Explain(l); return err },
		"Chaos":   func() error { _, err := Chaos(l, 0.05, 1); return err },
	} {
		enough := false
		for goes := 0; !enough && goes < 1_000_000; goes = 2*goes + 1 {
			left = goes
			if err := play(); err == nil && left >= 0 {
				enough = true // it ended without an interruption
			} else if !errors.Is(err, want) || left != -1 {
				t.Errorf("%s returned %v, and called Interrupted %d times after the interruption", name, err, -1-left)
			}
		}
		if !enough {
			t.Errorf("%s does not end", name)
		}
	}
}

// shows checks that lines reproduce an outage or split, and that each of them is needed: without
// it the outage or split is shorter, or lasts until the end of the run.
func shows(t *testing.T, l *LAN, what string, lines []string, bad time.Duration, of badness) {
	t.Helper()
	for left := range len(lines) + 1 { // without the line of that number
		part := slices.Clone(lines)
		if left < len(lines) {
			part = slices.Delete(part, left, left+1)
		}
		r, err := disturbed(l, part)
		if err != nil {
			t.Fatal(err)
		}
		got, lasts := of(r)
		if left == len(lines) && got != bad || left < len(lines) && got >= bad && !lasts {
			t.Errorf("%s: %q cause %v; %q cause %v", what, lines, bad, part, got)
		}
	}
}

// TestShrink checks that a line is removed if the outage is as long, longer or hardly shorter
// without it, and kept if it ends an outage that would last otherwise.
func TestShrink(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "left.yaml", "right.yaml"), Seed: 1})
	for _, c := range []struct {
		name        string
		lines, want []string
	}{
		{"hardly shorter without it", []string{"2s unplug right eth0", "5s plug right eth0", "20s unplug left eth0", "25s plug left eth0"}, []string{"20s unplug left eth0"}},
		{"longer without it", []string{"5s block left eth0 20s", "15s stop left"}, []string{"5s block left eth0 20s"}},
		{"ends the outage", []string{"5s kill left", "5s kill right", "20s start left"}, []string{"5s kill left", "5s kill right", "20s start left"}},
	} {
		if got, bad, err := shrink(l, c.lines, outage); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q shrinks to %q (%v, %v), want %q", c.name, c.lines, got, bad, err, c.want)
		}
	}
}

// TestChaosFindings checks that the same seed returns the same findings, and that the lines of
// each finding reproduce it.
func TestChaosFindings(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "old=old.keepalived.conf", "new.yaml"), Segments: []Segment{{"lan", []Port{{"old", "eth0"}, {"new", "ens3"}}}}, Seed: 1})
	found, err := Chaos(l, 6, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(chaosKinds)+1 {
		t.Errorf("%d findings, want %d", len(found), len(chaosKinds)+1)
	}
	outages, splits := 0, 0
	for _, f := range found {
		if f.Outage > 0 {
			outages++
			shows(t, l, f.Kind+", an outage", f.OutageActs, f.Outage, outage)
		}
		if f.Split > 0 {
			splits++
			shows(t, l, f.Kind+", two Actives", f.SplitActs, f.Split, split)
		}
	}
	if outages < 5 || splits < 2 {
		t.Errorf("%d kinds with an outage, %d with two Actives: want some of each", outages, splits)
	}
	again, err := Chaos(l, 6, 3)
	if got, want := fmt.Sprint(again, err), fmt.Sprint(found, error(nil)); got != want {
		t.Errorf("the second run found\n%s, want as in the first\n%s", got, want)
	}
	if text := FindingsText(found, "ripcord simulate x --seed 3"); !strings.Contains(text, "\n    ripcord simulate x --seed 3 --at '") {
		t.Error(text)
	}
}
