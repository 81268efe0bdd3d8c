package wakeup

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPoller checks that a readable descriptor is yielded until it has been read, that a ring
// ends one wait, before or during it, and that the timeout does as well.
func TestPoller(t *testing.T) {
	p, err := OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	var ends [2][2]int
	for i := range ends {
		if ends[i], err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0); err != nil {
			t.Fatal(err)
		}
		if err := p.Watch(ends[i][0]); err != nil {
			t.Fatal(err)
		}
	}
	const nap, never = 20 * time.Millisecond, -1
	wait := func(timeout time.Duration) (ready int, took time.Duration) {
		t.Helper()
		began := time.Now()
		if err := p.Wait(timeout, 0, func(int) { ready++ }); err != nil {
			t.Fatal(err)
		}
		return ready, time.Since(began)
	}
	for range 3 { // each wait follows each
		if n, took := wait(nap); n != 0 || took < nap {
			t.Errorf("%d ready after %v, want none after %v", n, took, nap)
		}
		if n, _ := wait(0); n != 0 {
			t.Errorf("%d ready at once, want none", n)
		}
		p.Ring()
		if n, _ := wait(never); n != 0 {
			t.Errorf("%d ready after a ring, want none", n)
		}
		time.AfterFunc(nap, p.Ring)
		if n, _ := wait(never); n != 0 {
			t.Errorf("%d ready after a ring in the wait, want none", n)
		}
		for i := range ends {
			time.AfterFunc(nap, func() { _, _ = unix.Write(ends[i][1], []byte("x")) })
		}
		for n := 0; n < 2; {
			n, _ = wait(never)
		}
		if n, _ := wait(never); n != 2 {
			t.Errorf("%d ready, want both still", n)
		}
		for i := range ends {
			if _, err := unix.Read(ends[i][0], make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(i int) { _, _ = unix.Write(ends[i][1], []byte("x")) }
	linger := func(rung bool) (yielded []int) {
		t.Helper()
		write(0)
		time.AfterFunc(nap/4, func() { write(1) })
		if rung {
			p.Ring()
		}
		began := time.Now()
		if err := p.Wait(never, nap, func(fd int) { yielded = append(yielded, fd) }); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); !rung && took < nap {
			t.Errorf("it lingered %v, want %v", took, nap)
		}
		return yielded
	}
	if got := linger(false); !slices.Equal(got, []int{ends[0][0], ends[1][0]}) {
		t.Errorf("%v yielded, want both, %v, since the second came while it lingered", got, ends)
	}
	for i := range ends {
		if _, err := unix.Read(ends[i][0], make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
	}
	if got := linger(true); !slices.Equal(got, []int{ends[0][0]}) {
		t.Errorf("%v yielded after a ring, want the first alone, at once", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Wait(never, 0, nil); err == nil {
		t.Error("a closed poller waits")
	}
	for _, end := range ends {
		unix.Close(end[0])
		unix.Close(end[1])
	}
}
