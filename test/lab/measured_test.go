package lab

import (
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// slack is how much longer something may take on a busy machine if it is measured only once. The
// tests that use it have such intervals that no other cause of a takeover is hidden by it.
const slack = time.Second

// patience is how long a test waits for an event whose exact time does not matter.
const patience = 15 * time.Second

// measured repeats a measurement up to five times, until measure returns that nothing is wrong: a
// busy machine keeps a strict limit in some of the runs. If something is wrong in all five, the test
// fails. If a busy machine cannot keep the strict limit at all, measure asks busy which limit to use.
func measured(t *testing.T, measure func(*machine) (wrong string)) {
	t.Helper()
	var all []string
	for range 5 {
		wrong := watched(t, measure)
		if wrong == "" || t.Failed() {
			return
		}
		t.Logf("measured: %s", wrong)
		all = append(all, wrong)
	}
	t.Errorf("measured five times: %s", strings.Join(all, "; "))
}

// measuredAnew does what measured does, but each measurement is a subtest, whose end removes its
// LANs.
func measuredAnew(t *testing.T, measure func(*testing.T, *machine) (wrong string)) {
	t.Helper()
	measured(t, func(m *machine) (wrong string) {
		t.Run("measured", func(t *testing.T) { wrong = measure(t, m) })
		return wrong
	})
}

// machine observes how busy this machine is during a measurement. A thread sleeps for a millisecond
// again and again: how late it wakes up is how late any other thread may be.
type machine struct {
	t    *testing.T
	mu   sync.Mutex
	late []time.Duration
}

// watched measures once while the machine is observed.
func watched(t *testing.T, measure func(*machine) (wrong string)) (wrong string) {
	m := &machine{t: t}
	defer m.watch()()
	return measure(m)
}

// watch observes the machine until stop is called.
func (m *machine) watch() (stop func()) {
	const nap = time.Millisecond
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		runtime.LockOSThread() // so only the kernel decides when it wakes up
		defer runtime.UnlockOSThread()
		for {
			select {
			case <-done:
				return
			default:
			}
			began, pause := time.Now(), syscall.NsecToTimespec(int64(nap))
			if syscall.Nanosleep(&pause, nil) == nil { // no signal has ended it early
				m.mu.Lock()
				m.late = append(m.late, time.Since(began)-nap)
				m.mu.Unlock()
			}
		}
	})
	return func() { close(done); over.Wait() }
}

// busy reports whether the machine was busy so far: one of a hundred wake-ups was late by the given
// time or more. Then a test applies its looser limit, otherwise the strict one. On a quiet machine
// p99 is 0.4 to 2.7 ms while a test works, and about 1.1 ms in tests that do little.
func (m *machine) busy(from time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p99, judged := quantile(m.late, 99), "strict"
	if p99 >= from {
		judged = "looser"
	}
	m.t.Logf("the machine wakes late by p50 %v, p99 %v, and is busy from %v on: the %s limit is judged", quantile(m.late, 50), p99, from, judged)
	return p99 >= from
}
