package lab

import (
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestPreemptDelay checks that a router with a higher priority that returns does not preempt the
// Active during its preempt_delay, logs this, and then takes over without a second Active. If the
// Active resigns meanwhile, it does not wait.
func TestPreemptDelay(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval, delay = 100 * time.Millisecond, 2 * time.Second
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	b := s.start("b", router{100, interval, ""})
	b.becomes("active", began, 8*time.Second)
	start := time.Now()
	a := s.start("a", router{150, interval, "preempt_delay: 2s"})
	hold := a.wait(start, patience, "instance.holding", func(l line) bool {
		return l.Event == "instance.holding" && l.Reason == "preempt-delay"
	})
	active := a.becomes("active", start, 8*time.Second)
	if active.Reason != "preempt-hold-timeout" {
		t.Errorf("a is active for %q, want preempt-hold-timeout", active.Reason)
	}
	s.within("backup → active", hold.TS, active.TS, delay-interval*2, delay+2*downInterval(150, interval)+slack)
	b.becomes("backup", start, patience)

	at := s.pull("a", inside)
	b.becomes("active", at, patience)
	back := s.plug("a", inside)
	a.becomes("backup", back, patience)
	stopped := b.signal(syscall.SIGTERM)
	active = a.becomes("active", stopped, patience)
	if active.Reason != "peer-resigned" {
		t.Errorf("a is active for %q, want peer-resigned", active.Reason)
	}
}

// TestStartupDelay checks that a router takes nothing over before its startup_delay is over.
func TestStartupDelay(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval, delay = 100 * time.Millisecond, 2 * time.Second
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, interval, "startup_delay: 2s"})
	hold := a.wait(began, patience, "instance.holding", func(l line) bool {
		return l.Event == "instance.holding" && l.Reason == "startup"
	})
	active := a.becomes("active", began, 8*time.Second)
	s.within("waits → active", hold.TS, active.TS, delay-2*downInterval(150, interval), delay+slack)
}
