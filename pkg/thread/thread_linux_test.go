package thread

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestThread(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("not root: no right to have a thread run before others")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := attributes(t)
	for name, c := range map[string]struct {
		set  func() (func(), error)
		want unix.SchedAttr
	}{
		"real time": {RealTime, unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1}},
		"favoured":  {Nice, unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: niceness}},
	} {
		undo, err := c.set()
		if err != nil {
			t.Skipf("%s: root without the right: %v", name, err)
		}
		got := attributes(t)
		if got.Policy != c.want.Policy || got.Priority != c.want.Priority || got.Nice != c.want.Nice || got.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
			t.Errorf("%s: the thread has %+v, want %+v", name, got, c.want)
		}
		undo()
		if after := attributes(t); after != before {
			t.Errorf("%s: afterwards the thread has %+v, had %+v", name, after, before)
		}
	}
}

func attributes(t *testing.T) unix.SchedAttr {
	t.Helper()
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return *a
}
