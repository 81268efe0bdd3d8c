package runner

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/thread"
)

// parked returns the number of a thread that does nothing until the test is over.
func parked(t *testing.T) int {
	t.Helper()
	tid, over := make(chan int), make(chan struct{})
	go func() {
		runtime.LockOSThread() // for ever: it ends with the goroutine
		tid <- unix.Gettid()
		<-over
	}()
	parked := <-tid
	t.Cleanup(func() {
		_ = unix.SchedSetAttr(parked, &unix.SchedAttr{}, 0) // the first thread of a process does not end
		close(over)
	})
	return parked
}

// TestRaiseThread requires that the runner raises one thread of the daemon to real time, makes
// others nice, and no thread of another process; a refused thread stays as it is.
func TestRaiseThread(t *testing.T) {
	if err := thread.RealTime.Give(parked(t)); errors.Is(err, syscall.EPERM) {
		t.Skip("no right to have a thread run in real time")
	}
	one, two := parked(t), parked(t)
	r := newRig(t)
	for _, c := range []struct {
		tid      int
		priority thread.Priority
		want     string // in the error; empty: none
	}{
		{1, thread.RealTime, "has no thread 1"},
		{one, "highest", "no priority"},
		{-1, thread.Nice, "no thread -1"},
	} {
		if err := r.client.Raise(t.Context(), c.tid, c.priority); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %d: %v, want %q", c.priority, c.tid, err, c.want)
		}
	}
	if thread.InRealTime(1) || thread.InRealTime(one) {
		t.Fatal("the refused thread runs in real time")
	}
	// The parked thread of the probe above still runs in real time.
	if err := r.client.Raise(t.Context(), one, thread.RealTime); err == nil || !strings.Contains(err.Error(), "in real time already") {
		t.Errorf("a second one in real time: %v", err)
	}
	if err := r.client.Raise(t.Context(), two, thread.Nice); err != nil {
		t.Error(err)
	}
	if a, err := unix.SchedGetAttr(two, 0); err != nil || a.Nice != -19 {
		t.Errorf("the thread runs with %+v, %v", a, err)
	}
}

// TestRaiseAfterLoss requires that a request without a runner is answered by the next runner.
func TestRaiseAfterLoss(t *testing.T) {
	r := newRig(t)
	<-r.reports
	r.cut()
	tid := parked(t)
	switch err := r.client.Raise(t.Context(), tid, thread.RealTime); {
	case errors.Is(err, syscall.EPERM) || err != nil && strings.Contains(err.Error(), "not permitted"):
		t.Skip("no right to have a thread run in real time")
	case err != nil || !thread.InRealTime(tid):
		t.Errorf("in real time: %t, %v", thread.InRealTime(tid), err)
	}
}
