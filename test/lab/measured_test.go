package lab

import (
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// slack is what a busy machine may add to what is measured once. The intervals of
// the tests that use it are such that no other cause of a takeover hides in it.
const slack = time.Second

// patience is how long is waited for what must come, where it does not matter when.
const patience = 5 * time.Second

// measured takes a measurement again, up to five times, while there is something
// wrong with it, which measure says: a limit without slack is kept by a machine
// that has time for it once. What is wrong each time fails the test. Where a limit
// is more than the code alone can keep, measure asks the machine which one to judge.
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

// measuredAnew is measured with a test for each time, with which its LANs go.
func measuredAnew(t *testing.T, measure func(*testing.T, *machine) (wrong string)) {
	t.Helper()
	measured(t, func(m *machine) (wrong string) {
		t.Run("measured", func(t *testing.T) { wrong = measure(t, m) })
		return wrong
	})
}

// machine is the one that something is measured on. A thread of ours, which sleeps
// a millisecond again and again, tells by how late it wakes what others have to wait.
type machine struct {
	t    *testing.T
	mu   sync.Mutex
	late []time.Duration
}

// watched is a measurement with the machine it is done on.
func watched(t *testing.T, measure func(*machine) (wrong string)) (wrong string) {
	m := &machine{t: t}
	defer m.watch()()
	return measure(m)
}

// watch watches the machine until stop.
func (m *machine) watch() (stop func()) {
	const nap = time.Millisecond
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		runtime.LockOSThread() // its wakening is the kernel's matter alone
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

// busy is whether the machine had no time for what has been measured so far: one
// wakening of a hundred was late by the given time or more. Then a test judges its
// looser limit, and else the strict one. On a calm machine p99 is 0.4 to 2.7 ms, what
// the tests themselves do included, and about 1.1 ms in those that do little.
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
