package wakeup

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A goroutine that sleeps in an ordinary system call keeps one of Go's processors for up to 10
// ms, and meanwhile the runtime's monitor wakes every few dozen microseconds to check whether to
// take that processor back: a sixth of the CPU time of an Active with 1,000 instances at 100 ms.
// Two functions of the runtime, which Go keeps for programs that link to them
// (go.dev/issue/67401), release the processor at once, as the runtime does for its own sleepers.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// ppoll waits for the descriptors, and returns how many are ready; negative on an error. A
// nil timeout means none. Between the two calls nothing may grow the stack.
//
//go:nosplit
//go:norace
func ppoll(fds []unix.PollFd, timeout *unix.Timespec) int {
	entersyscallblock()
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
		uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
	exitsyscall()
	return int(n)
}
