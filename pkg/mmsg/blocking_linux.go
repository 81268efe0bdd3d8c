package mmsg

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel takes 7 µs for an advert on a veth, half a millisecond for those of a hundred
// instances. While a goroutine keeps one of Go's processors for so long, the runtime's monitor
// wakes every few dozen microseconds to check whether to take that back: 7 to 14 % of the CPU
// time of an Active with 1,000 instances at 100 ms. So the processor is released before a long
// call, as in pkg/wakeup before a goroutine sleeps, with the same two functions. That costs a
// wake-up of the monitor, and so is not worth it before a short call.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// long is the number of messages from which a call counts as long.
const long = 16

// sendLong is sendmmsg(2), without one of Go's processors. Between the two calls nothing may
// grow the stack.
//
//go:nosplit
//go:norace
func sendLong(fd int, msgs []Message) (uintptr, unix.Errno) {
	entersyscallblock()
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(msgs))),
		uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	exitsyscall()
	return n, errno
}

// sendShort is sendmmsg(2).
func sendShort(fd int, msgs []Message) (uintptr, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(msgs))),
		uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	return n, errno
}
