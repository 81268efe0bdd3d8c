package event

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWarningThatReturnsIsLogged checks that a warning that begins again, or changes its text,
// within a minute of its last line is logged after that minute if it lasts, although it is
// reported only once.
func TestWarningThatReturnsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var all []string
		w := NewWarnings(func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, e.Message())
		})
		logged := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
		w.After = func(wait time.Duration, call func()) { time.AfterFunc(wait, call) }
		report := func(instance, text string) {
			w.Report(Warning{Stamp: Stamp{At: time.Now()}, Instance: instance, Reason: WarnUnserved, Text: text})
		}
		over := func(instance string) {
			w.Clear(WarningKey{Instance: instance, Reason: WarnUnserved}, Stamp{At: time.Now()})
		}
		report("returns", "alone")
		report("changes", "one")
		report("ends", "alone")
		time.Sleep(10 * time.Second)
		over("returns")
		over("ends")
		time.Sleep(10 * time.Second)
		report("returns", "alone again")
		report("changes", "two")
		report("ends", "alone again")
		time.Sleep(10 * time.Second)
		report("changes", "three")
		over("ends")
		time.Sleep(29 * time.Second)
		if got := logged(); len(got) != 5 {
			t.Fatalf("within the minute %q were logged, want 5 lines", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		late := logged()[5:]
		slices.Sort(late)
		if want := []string{"changes: three", "returns: alone again"}; !slices.Equal(late, want) {
			t.Errorf("after the minute %q were logged, want %q", late, want)
		}
	})
}

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
