// Package commandtest has helpers for tests of packages that run commands.
package commandtest

import (
	"context"
	"sync"
	"testing"
	"time"
)

// MaxWait is how long a test waits for an expected event; the machine may be busy.
const MaxWait = 20 * time.Second

// Eventually waits until done reports true, and fails with its last text.
func Eventually(t *testing.T, done func() (ok bool, what string)) {
	t.Helper()
	for deadline := time.Now().Add(MaxWait); ; time.Sleep(2 * time.Millisecond) {
		ok, what := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// Running runs a function until stop is called, or the test ends. stop waits for its end, and may
// be called again.
func Running(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-over })
	t.Cleanup(stop)
	return stop
}
