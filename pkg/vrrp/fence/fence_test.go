package fence

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	first   = 100 * time.Millisecond
	most    = 500 * time.Millisecond
	timeout = 10 * time.Second
)

var zero = time.Unix(100, 0)

// begun returns a fence that has begun on two links and asked the first question.
func begun(t *testing.T) *State {
	t.Helper()
	f := &State{}
	f.Begin(zero, []string{"eth0", "eth1"}, first)
	if got := f.Ask(zero, most); !slices.Equal(got, []string{"eth0", "eth1"}) || !f.Holds() {
		t.Fatalf("at first %q are asked, holds: %v", got, f.Holds())
	}
	return f
}

// prove makes a station answer on each link, and reports whether the command may run.
func prove(f *State, at time.Time) bool {
	f.Prove("eth0", at)
	return f.Prove("eth1", at)
}

// TestProof checks that a station on each link has to answer after the first question, that then
// the command runs, and that its success ends the fence.
func TestProof(t *testing.T) {
	f := begun(t)
	if prove(f, zero.Add(-1)) || f.Prove("eth1", zero) || !slices.Equal(f.Unproven(), []string{"eth0"}) {
		t.Fatalf("unproven: %q", f.Unproven())
	}
	if got := f.Ask(zero.Add(first), most); !slices.Equal(got, []string{"eth0"}) {
		t.Errorf("%q are asked again", got)
	}
	if !f.Prove("eth0", zero) {
		t.Fatal("a station has answered on each link, but the command may not run")
	}
	f.Run(zero, 7, timeout)
	if got := f.Deadline(); !got.Equal(zero.Add(timeout + resultWait)) {
		t.Errorf("the result is waited for until %v", got)
	}
	if f.Ended(6, "") != Pending || !f.Holds() {
		t.Error("the result of another command counts")
	}
	if got := f.Ended(7, ""); got != Done || f.Ended(7, "") != Pending {
		t.Errorf("outcome %v", got)
	}
}

// TestKeep checks that a link that the group has lost needs no answer.
func TestKeep(t *testing.T) {
	f := begun(t)
	if f.Keep([]string{"eth0", "eth1"}) || f.Keep([]string{"eth0"}) || !slices.Equal(f.Unproven(), []string{"eth0"}) {
		t.Fatalf("unproven: %q", f.Unproven())
	}
	if !f.Prove("eth0", zero) {
		t.Error("a station has answered on the only link, but the command may not run")
	}
	f = begun(t)
	f.Prove("eth0", zero)
	if !f.Keep([]string{"eth0"}) {
		t.Error("a station has answered on the link that is left, but the command may not run")
	}
	f.Run(zero, 7, timeout)
	if f.Keep(nil) {
		t.Error("the command runs twice")
	}
}

// TestCutOff checks that a fence without answers is found to be cut off once, after proofWait,
// and that the questions go on.
func TestCutOff(t *testing.T) {
	f := begun(t)
	now, asked := zero, 0
	for f.Tick(now) == Pending {
		if now = f.Deadline(); now.After(zero.Add(proofWait)) {
			t.Fatalf("not found to be cut off until %v", now)
		}
		if f.Ask(now, most) != nil {
			asked++
		}
	}
	if !now.Equal(zero.Add(proofWait)) || asked != 5 { // after 100, 300, 700, 1200, 1700 ms
		t.Errorf("found %v after the begin, %d questions later", now.Sub(zero), asked)
	}
	if f.Tick(now) != Pending || !f.Deadline().After(now) || !strings.Contains(f.Holding(), "cut off") {
		t.Errorf("once found: deadline %v, holding %q", f.Deadline(), f.Holding())
	}
	f.FailCutOff()
	f.Pass()
	if !f.Passed() || f.Holds() || !strings.Contains(f.Err(), "eth0, eth1") || f.Holding() != "" {
		t.Errorf("passed: %v, error %q, holding %q", f.Passed(), f.Err(), f.Holding())
	}
}

// TestFailure checks that a command that fails or gives no result leaves an error, which is kept
// until Forget.
func TestFailure(t *testing.T) {
	for _, silent := range []bool{false, true} {
		f := begun(t)
		prove(f, zero)
		f.Run(zero, 7, timeout)
		var got Outcome
		if silent {
			if f.Tick(f.Deadline().Add(-1)) != Pending {
				t.Error("the wait for the result ends too early")
			}
			got = f.Tick(f.Deadline())
		} else {
			got = f.Ended(7, "exit status 1")
		}
		if got != Failed || f.Err() == "" {
			t.Errorf("silent %v: outcome %v, error %q", silent, got, f.Err())
		}
		f.Cancel()
		if !strings.Contains(f.Holding(), f.Err()) {
			t.Errorf("silent %v: holding %q", silent, f.Holding())
		}
		if f.Forget(); f.Holding() != "" {
			t.Errorf("silent %v, forgotten: holding %q", silent, f.Holding())
		}
	}
}

// TestQueue checks that a command for a cancelled takeover must end before the fence of the next
// one begins, and proves nothing for it.
func TestQueue(t *testing.T) {
	for _, silent := range []bool{false, true} {
		f := begun(t)
		prove(f, zero)
		f.Run(zero, 7, timeout)
		f.Cancel()
		f.Begin(zero, []string{"eth0", "eth1"}, first)
		if prove(f, zero) || !f.Holds() || f.Ask(zero, most) != nil {
			t.Fatal("the next command runs beside the earlier one")
		}
		got := f.Tick(f.Deadline())
		if !silent {
			f = begun(t)
			f.Run(zero, 7, timeout)
			f.Cancel()
			f.Begin(zero, []string{"eth0", "eth1"}, first)
			prove(f, zero)
			got = f.Ended(7, "")
		}
		if got != Again {
			t.Errorf("silent %v: outcome %v", silent, got)
		}
	}
}

// TestLateResult checks that the result of a command whose takeover was cancelled changes
// nothing.
func TestLateResult(t *testing.T) {
	f := begun(t)
	prove(f, zero)
	f.Run(zero, 7, timeout)
	f.Cancel()
	if f.Ended(7, "exit status 1") != Pending || f.Err() != "" || f.Begun() {
		t.Errorf("error %q, begun: %v", f.Err(), f.Begun())
	}
}
