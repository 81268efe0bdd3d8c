// Package mmsg sends and receives many messages with one system call, sendmmsg(2) and
// recvmmsg(2), for which x/sys has no wrappers, and continues after a message that fails.
//
// Nothing in it waits or allocates. Memory that a Message points to belongs to the kernel until
// the call returns; two goroutines must not use the same messages at once.
package mmsg

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Message is struct mmsghdr.
type Message struct {
	Header unix.Msghdr
	Len    uint32 // how many bytes were sent or received
}

// Send passes messages to a socket and returns how many it accepted. It returns an error if the
// socket did not accept the first one.
func Send(fd int, msgs []Message) (int, unix.Errno) {
	if len(msgs) >= long {
		return send(sendLong, fd, msgs)
	}
	return send(sendShort, fd, msgs)
}

// send calls sendmmsg(2) until no signal interrupts it.
func send(call func(int, []Message) (uintptr, unix.Errno), fd int, msgs []Message) (int, unix.Errno) {
	for {
		n, errno := call(fd, msgs)
		if errno != unix.EINTR {
			return count(n, errno)
		}
	}
}

// Receive fills messages with the queued packets and returns how many. It copies some packets and
// never waits, so it bypasses Go's scheduler: waking its monitor thread each time would cost more
// than the call.
func Receive(fd int, msgs []Message) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])),
			uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return count(n, errno)
		}
	}
}

// count converts the result of a call.
func count(n uintptr, errno unix.Errno) (int, unix.Errno) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// SendEach passes all messages to a socket, in order. It calls failed for each message that the
// socket did not accept, and continues after it. It is for bursts, and unlike Send it never releases
// the goroutine's processor: after that the runtime often preempts the goroutine, since it counts
// from when the processor that the goroutine got was last used. A goroutine that is locked to a
// thread then waits until two other threads have run.
func SendEach(fd int, msgs []Message, failed func(i int, errno unix.Errno)) {
	each(len(msgs), func(from int) (int, unix.Errno) { return send(sendShort, fd, msgs[from:]) }, failed)
}

// each sends messages 0 to n-1. send begins with the message from, and returns how many were sent
// before it stopped, or why not even that one was.
func each(n int, send func(from int) (int, unix.Errno), failed func(i int, errno unix.Errno)) {
	for sent := 0; sent < n; {
		some, errno := send(sent)
		if errno != 0 {
			failed(sent, errno)
			some = 1
		}
		sent += some
	}
}

// PacketSocket opens an AF_PACKET socket that only sends: it has protocol 0, so the kernel
// delivers nothing to it.
func PacketSocket() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open a packet socket (needs CAP_NET_RAW): %w", err)
	}
	Linger(fd)
	return fd, nil
}

// ToLink returns the address of a frame, which begins with its Ethernet header, on a link, by its
// ifindex, for a packet socket.
func ToLink(index int, frame []byte) unix.RawSockaddrLinklayer {
	to := unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(index), Halen: 6}
	copy(to.Addr[:], frame[:6])
	to.Protocol = binary.NativeEndian.Uint16(frame[12:]) // in network byte order, as in the frame
	return to
}
