package router_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/router/routertest"
	"ripcord/pkg/vrrp"
)

// TestOrderOfATurn checks that the contents of the backlogs are absorbed in the fixed order,
// whatever arrived first.
func TestOrderOfATurn(t *testing.T) {
	better := func(b *bench) { b.hear("alone", 200) }
	lost := func(b *bench) { b.link("eth0", false) }
	hung := func(b *bench) {
		b.results.Publish(vrrp.LeaseLost{Cause: b.cfg.Minter.Cause(time.Now()), Instance: "alone", Gap: time.Second})
	}
	tests := []struct {
		name  string
		wait  time.Duration // before the loop is blocked
		give  []func(*bench)
		hold  time.Duration // how long it is blocked
		want  string        // the first move
		asked bool          // the verifiers
	}{
		{"links before adverts", longest, []func(*bench){better, lost}, 0, "alone active->fault interface-down", false},
		{"links before results", longest, []func(*bench){hung, lost}, 0, "alone active->fault interface-down", false},
		{"results before adverts", longest, []func(*bench){better, hung}, 0, "alone active->backup stalled", false},
		{"adverts before deadlines", interval, []func(*bench){better}, 3 * interval, "", false},
		{"deadlines", interval, nil, 3 * interval, "alone backup->active active-timeout", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, alone())
				hold, goOn := false, make(chan struct{}) // hold is written while the loop sleeps
				b.block(func() {
					if hold {
						hold = false
						<-goOn
					}
				})
				b.run()
				settle(tt.wait)
				hold = true
				b.hear("nobody", 1) // wakes the loop
				synctest.Wait()
				b.moves()
				b.journal.Take()
				for _, give := range tt.give {
					give(b)
				}
				settle(tt.hold)
				close(goOn)
				settle(time.Millisecond)
				first := ""
				if moves := b.moves(); len(moves) > 0 {
					first = moves[0]
				}
				if first != tt.want {
					t.Errorf("moved %q, want %q", first, tt.want)
				}
				asked := slices.ContainsFunc(b.journal.Take(), func(l string) bool { return strings.HasPrefix(l, "verify") })
				if asked != tt.asked {
					t.Errorf("asked the verifiers: %v", asked)
				}
				b.stop()
			})
		})
	}
}

// hooked runs a group of one, and calls f at the n-th time that the loop reads the clock after
// its Verify, that is, between two of its actions. done is false if the loop did not read the
// clock so often before it was due to move.
func hooked(t *testing.T, n int, silent bool, f func(b *bench, clock *time.Duration)) (active, done bool) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, alone())
		due := time.Now().Add(vrrp.ActiveDownInterval(150, interval, 3))
		if silent {
			due = due.Add(interval / 2) // it waits that long for an answer, and longer
		}
		b.cfg.Receiver = routertest.Receiver{Results: &b.results, Silent: silent}
		verified, asked := false, 0
		b.cfg.Confirmer = routertest.Confirmer{
			Journal: &b.journal, Results: &b.results, Silent: silent, Look: func([]string) { verified = true },
		}
		var clock time.Duration // how far the loop's clock is ahead
		b.cfg.Now = func() time.Time {
			if verified && time.Now().Before(due) {
				if asked++; asked == n {
					done = true
					f(b, &clock)
				}
			}
			return time.Now().Add(clock)
		}
		b.run()
		settle(3 * interval)
		for time.Now().Before(due.Add(time.Millisecond)) {
			b.hear("nobody", 1) // gives each turn something of everything to do
			b.link("eth9", true)
			settle(time.Millisecond)
		}
		active = slices.ContainsFunc(b.moves(), func(m string) bool { return strings.Contains(m, "->active") })
		b.stop()
	})
	return active, done
}

// between calls f between any two actions of the loop that follow a Verify. The group must never
// become Active because of it.
func between(t *testing.T, silent bool, f func(b *bench, clock *time.Duration)) {
	t.Helper()
	for n := 1; ; n++ {
		active, done := hooked(t, n, silent, f)
		switch {
		case !done && n < 10:
			t.Fatalf("only %d points were tried", n-1)
		case !done:
			return
		case active:
			t.Errorf("point %d: Active", n)
		}
	}
}

// TestAnswerAfterLossNeverMoves checks that an answer that was published after the loss of a link
// never makes a group Active, at whatever point of its turn the loop is when both arrive.
func TestAnswerAfterLossNeverMoves(t *testing.T) {
	between(t, true, func(b *bench, _ *time.Duration) {
		b.link("eth0", false)
		b.answer(1)
	})
}

// TestTimerNeverEndsOverAnAdvert checks that a timer never ends although an advert arrived before
// its instant, at whatever point of its turn the loop is, and however long it stands still there.
func TestTimerNeverEndsOverAnAdvert(t *testing.T) {
	between(t, false, func(b *bench, clock *time.Duration) {
		b.hear("alone", 200)
		*clock += 20 * time.Millisecond
	})
}
