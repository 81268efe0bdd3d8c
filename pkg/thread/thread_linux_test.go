package thread

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// raised locks the test to its thread and returns the priority that the thread got.
func raised(t *testing.T, r Raiser, priorities ...Priority) (got Priority, undo func(), err error) {
	t.Helper()
	known := make(chan struct{})
	undo = r.Raise(t.Context(), func(p Priority, failed error) {
		got, err = p, failed
		close(known)
	}, priorities...)
	select {
	case <-known:
	case <-time.After(10 * time.Second):
		t.Fatal("it is not done")
	}
	return got, undo, err
}

func TestRaise(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("not root: no right to have a thread run before others")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := has(t, 0)
	for want, attributes := range attributes {
		got, undo, err := raised(t, Raiser{}, want)
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			t.Skipf("%s: root without the right: %v", want, err)
		}
		if now := has(t, 0); got != want || err != nil || now.Policy != attributes.Policy || now.Priority != attributes.Priority || now.Nice != attributes.Nice || now.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
			t.Errorf("%s: the thread has %+v, reported %q, %v", want, now, got, err)
		}
		if InRealTime(0) != (want == RealTime) {
			t.Errorf("%s: in real time: %t", want, InRealTime(0))
		}
		undo()
		if after := has(t, 0); after != before {
			t.Errorf("%s: afterwards the thread has %+v, had %+v", want, after, before)
		}
	}
}

// TestRaiseByAnother checks that another process is asked for the calling thread, and for the
// second priority if the first is refused, and that the thread ends with its goroutine.
func TestRaiseByAnother(t *testing.T) {
	refused := errors.New("refused")
	asked := make(chan int, 2)
	r := Raiser{Ask: func(_ context.Context, tid int, p Priority) error {
		asked <- tid
		if p == RealTime {
			return refused
		}
		return nil
	}}
	threads := make(chan int)
	raise := func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		got, undo, err := raised(t, r, RealTime, Nice)
		undo()
		if got != Nice || !errors.Is(err, refused) {
			t.Errorf("got %q, %v", got, err)
		}
		threads <- unix.Gettid()
	}
	tid := os.Getpid()
	for tid == os.Getpid() { // the first thread of a process is not ended, but not used again either
		go raise()
		tid = <-threads
		if a, b := <-asked, <-asked; a != tid || b != tid {
			t.Errorf("asked for the threads %d and %d, want %d", a, b, tid)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid)); errors.Is(err, os.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread goes on, and others may run on it")
		}
	}
}

func has(t *testing.T, tid int) unix.SchedAttr {
	t.Helper()
	a, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return *a
}
