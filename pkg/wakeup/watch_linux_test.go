package wakeup

import (
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// watching returns a waiter, a watch that asks whether a pipe is readable, and that pipe.
func watching(t *testing.T) (*Waiter, *Watch, *os.File) {
	t.Helper()
	w, err := OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = w.Close(), out.Close(), in.Close() })
	if _, err := in.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	readable := new(uint32)
	q := Question{Call: unix.SYS_IOCTL, Args: [3]uintptr{out.Fd(), unix.TIOCINQ, uintptr(unsafe.Pointer(readable))}, Holds: readable}
	return w, &Watch{Questions: []Question{q}, Every: 2 * time.Millisecond, Limit: time.Second}, out
}

// TestWatch checks that a watch lasts for its periods while all conditions hold, and ends soon
// after one does not, after a wake, after a question that fails and after one that takes too
// long.
func TestWatch(t *testing.T) {
	const periods, many = 10, 10000
	for what, end := range map[string]func(*Waiter, *Watch, *os.File){
		"all holds": nil,
		"read":      func(_ *Waiter, _ *Watch, out *os.File) { _, _ = out.Read(make([]byte, 1)) },
		"wake":      func(w *Waiter, _ *Watch, _ *os.File) { w.Wake() },
	} {
		w, x, out := watching(t)
		n := periods
		if end != nil {
			n = many
			time.AfterFunc(nap, func() { end(w, x, out) })
		}
		began := time.Now()
		w.Watch(x, n)
		if took := time.Since(began); took < periods*x.Every || took > many*x.Every/2 {
			t.Errorf("%s: the watch took %v", what, took)
		}
	}
	for what, change := range map[string]func(*Watch){
		"a long round": func(x *Watch) { x.Limit = 0 },
		"a failure":    func(x *Watch) { x.Questions[0].Args[0] = ^uintptr(0) },
	} {
		w, x, _ := watching(t)
		change(x)
		began := time.Now()
		if w.Watch(x, many); time.Since(began) > many*x.Every/2 {
			t.Errorf("%s: the watch took %v", what, time.Since(began))
		}
	}
}

// TestWatchTakesTheRing checks that a wake ends one watch, and not the next one, too.
func TestWatchTakesTheRing(t *testing.T) {
	w, x, _ := watching(t)
	w.Wake()
	w.Watch(x, 10)
	began := time.Now()
	if w.Watch(x, 10); time.Since(began) < 10*x.Every {
		t.Errorf("the watch after a wake took %v", time.Since(began))
	}
}

// TestWatchAllocates checks that a watch allocates nothing.
func TestWatchAllocates(t *testing.T) {
	w, x, _ := watching(t)
	if n := testing.AllocsPerRun(20, func() { w.Watch(x, 1) }); n != 0 {
		t.Errorf("a watch allocates %v times", n)
	}
}
