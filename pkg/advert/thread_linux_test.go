package advert

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

func TestHasten(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := attributes(t)
	undo, got := hasten()
	if unix.Geteuid() != 0 {
		undo()
		t.Skip("not root: no right to hasten a thread")
	}
	switch now := attributes(t); {
	case got.Scheduling == event.RealTime && (now.Policy != unix.SCHED_FIFO || now.Priority != 1),
		got.Scheduling == event.Hastened && now.Nice != niceness,
		got.Scheduling == event.Ordinary:
		t.Errorf("said %+v, but the thread has %+v", got, now)
	}
	undo()
	if after := attributes(t); after != before {
		t.Errorf("afterwards the thread has %+v, had %+v", after, before)
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
