package event

import (
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	var logged []string
	w := NewWarnings(func(e Event) { logged = append(logged, e.Level().String()+" "+e.Message()) })
	at := func(d time.Duration) Stamp { return Stamp{At: epoch.Add(d)} }
	report := func(d time.Duration, text string) {
		w.Report(Warning{Stamp: at(d), Instance: "inside", Reason: "proxy-arp", Subject: "eth0", Text: text})
	}
	key := WarningKey{"inside", "proxy-arp", "eth0"}
	want := func(lines ...string) {
		t.Helper()
		if len(logged) != len(lines) {
			t.Fatalf("logged %q, want %q", logged, lines)
		}
		for i := range lines {
			if logged[i] != lines[i] {
				t.Fatalf("logged %q, want %q", logged, lines)
			}
		}
		logged = nil
	}

	report(0, "two answer")
	report(time.Second, "two answer")
	want("error inside: two answer")
	if all := w.Of("inside"); len(all) != 1 || !all[0].At.Equal(epoch) || len(w.Of("outside")) != 0 {
		t.Fatalf("in force are %v", all)
	}
	w.Clear(key, at(2*time.Second))
	w.Clear(key, at(2*time.Second))
	want("info inside: over: two answer")

	// Within a minute it begins again: it is shown, but not logged.
	report(3*time.Second, "two answer")
	want()
	if len(w.All()) != 1 {
		t.Fatal("a warning that began again is not in force")
	}
	w.Clear(key, at(4*time.Second))
	want()
	report(5*time.Second, "two answer")
	want()
	// It lasts, so it is logged when the minute is over.
	report(61*time.Second, "two answer")
	want("error inside: two answer")

	w.Clear(key, at(62*time.Second))
	logged = nil
	w.Report(Warning{Stamp: at(3 * time.Minute), Instance: "outside", Reason: "proxy-arp"})
	if len(w.all) != 1 {
		t.Errorf("%d warnings are remembered, one of which has been over for a long time", len(w.all))
	}
	var none *Warnings
	none.Report(Warning{})
	none.Clear(key, Stamp{})
	if none.All() != nil {
		t.Error("a nil Warnings has a warning")
	}
}
