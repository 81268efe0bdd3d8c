package confine

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// answer is the kernel's answer to one system call.
type answer struct {
	signal int32
	err    error
}

// TestEverywhereWhileTheStackGrows requires that the kernel writes its answer where the caller
// reads it, even if the goroutine's stack grows, and so moves, before the system call.
func TestEverywhereWhileTheStackGrows(t *testing.T) {
	const depths = 200 // with which the stack is almost full in some of the calls
	for depth := range depths {
		answers := make(chan answer)
		go func() { answers <- askBelow(depth) }()
		switch a := <-answers; {
		case a.err != nil:
			t.Skipf("the race detector needs cgo, with which no call reaches all threads: %v", a.err)
		case a.signal != 0:
			t.Fatalf("%d calls deep, the kernel wrote its answer elsewhere", depth)
		}
	}
}

// askBelow asks the kernel, a number of calls deep, which signal the process gets when its parent
// ends. That is none.
func askBelow(depth int) answer {
	if depth > 0 {
		return askBelow(depth - 1)
	}
	a := answer{signal: -1}
	a.err = everywhere(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&a.signal)), 0)
	return a
}
