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
		r := played(t, l, acts(t, l, e.Acts[0]), 20*time.Second)
		if _, worst, _ := r.WorstOutage(); worst.Long() != e.Outage {
			t.Errorf("%s: %v, want %v", e.Fault, worst.Long(), e.Outage)
		}
	}
}

// TestExplainAlone: an outage that only the end of the fault ends has no length of its own, and
// what follows that end counts then.
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

// TestInterrupted: what plays, draws and shrinks ends at once when it is to.
func TestInterrupted(t *testing.T) {
	left := 0 // how often it goes on
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
				enough = true // it came to its end before
			} else if !errors.Is(err, want) || left != -1 {
				t.Errorf("%s: %v, and it was asked %d times more", name, err, -1-left)
			}
		}
		if !enough {
			t.Errorf("%s does not end", name)
		}
	}
}

// shows checks that lines show something bad, and that they do not without any of them: not as
// bad, or only since it never ends then.
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
			t.Errorf("%s: %q shows %v, %q %v", what, lines, bad, part, got)
		}
	}
}

// TestShrink: a line without which something is as bad, worse, or hardly less bad is left out,
// but not one that ends what would last then.
func TestShrink(t *testing.T) {
	l := newLAN(t, Options{Routers: routers(t, "left.yaml", "right.yaml"), Seed: 1})
	for _, c := range []struct {
		name        string
		lines, want []string
	}{
		{"hardly less", []string{"2s unplug right eth0", "5s plug right eth0", "20s unplug left eth0", "25s plug left eth0"}, []string{"20s unplug left eth0"}},
		{"worse without it", []string{"5s block left eth0 20s", "15s stop left"}, []string{"5s block left eth0 20s"}},
		{"it ends it", []string{"5s kill left", "5s kill right", "20s start left"}, []string{"5s kill left", "5s kill right", "20s start left"}},
	} {
		if got, bad, err := shrink(l, c.lines, outage); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q shrinks to %q (%v, %v), want %q", c.name, c.lines, got, bad, err, c.want)
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
		t.Errorf("%d kinds with an outage, %d with two Actives: this proves nothing", outages, splits)
	}
	again, err := Chaos(l, 6, 3)
	if got, want := fmt.Sprint(again, err), fmt.Sprint(found, error(nil)); got != want {
		t.Errorf("again:\n%s, want\n%s", got, want)
	}
	if text := FindingsText(found, "ripcord simulate x --seed 3"); !strings.Contains(text, "\n    ripcord simulate x --seed 3 --at '") {
		t.Error(text)
	}
}
