package advert

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHasten(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := nice(t)
	undo := hasten()
	if unix.Geteuid() != 0 {
		t.Skip("not root: no right to hasten a thread")
	}
	if got := nice(t); got != niceness {
		t.Errorf("hastened to %d, want %d", got, niceness)
	}
	undo()
	if got := nice(t); got != before {
		t.Errorf("afterwards the niceness is %d, was %d", got, before)
	}
}

func nice(t *testing.T) int {
	t.Helper()
	p, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		t.Fatal(err)
	}
	return kernelNice - p
}
