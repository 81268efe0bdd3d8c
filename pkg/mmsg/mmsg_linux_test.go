package mmsg

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEach uses a socket that accepts at most room messages a call, and refuses some: the call
// then ends before a refused one, as sendmmsg(2) does.
func TestEach(t *testing.T) {
	for _, c := range []struct {
		name    string
		n, room int
		refused map[int]unix.Errno
		want    string // the message with which each call begins, and what fails
	}{
		{"none", 0, 9, nil, ""},
		{"all at once", 5, 9, nil, "0"},
		{"in parts", 5, 2, nil, "0 2 4"},
		{"the first fails", 3, 9, map[int]unix.Errno{0: unix.ENETDOWN}, "0 -0:network is down 1"},
		{"one in the middle fails", 5, 9, map[int]unix.Errno{2: unix.ENOBUFS}, "0 2 -2:no buffer space available 3"},
		{"the last fails", 3, 9, map[int]unix.Errno{2: unix.EAGAIN}, "0 2 -2:resource temporarily unavailable"},
		{"all fail", 2, 9, map[int]unix.Errno{0: unix.ENXIO, 1: unix.ENXIO}, "0 -0:no such device or address 1 -1:no such device or address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			note := func(s string) {
				if got != "" {
					got += " "
				}
				got += s
			}
			each(c.n, func(from int) (int, unix.Errno) {
				note(fmt.Sprint(from))
				for i := from; ; i++ {
					switch errno := c.refused[i]; {
					case errno != 0 && i == from:
						return 0, errno
					case errno != 0 || i == c.n || i == from+c.room:
						return i - from, 0
					}
				}
			}, func(i int, errno unix.Errno) { note(fmt.Sprintf("-%d:%v", i, errno)) })
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSendEachAndReceive checks the result for the messages before and after one that the kernel
// refuses.
func TestSendEachAndReceive(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	var bytes [4][8]byte
	var iovs [4]unix.Iovec
	var msgs [4]Message
	for i := range msgs {
		iovs[i].Base = &bytes[i][0]
		iovs[i].SetLen(i + 1)
		msgs[i].Header.Iov = &iovs[i]
		msgs[i].Header.SetIovlen(1)
	}
	msgs[1].Header.SetIovlen(1 << 20) // EMSGSIZE
	var failed []int
	if allocs := testing.AllocsPerRun(1, func() {
		SendEach(fds[0], msgs[:], func(i int, errno unix.Errno) {
			if errno != unix.EMSGSIZE {
				t.Errorf("message %d: %v", i, errno)
			}
			failed = append(failed[:0], i)
		})
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if fmt.Sprint(failed) != "[1]" {
		t.Errorf("%v failed, want message 1", failed)
	}
	msgs[1].Header.SetIovlen(1)
	for i := range iovs {
		iovs[i].SetLen(len(bytes[i]))
	}
	n, errno := Receive(fds[1], msgs[:])
	if n != 4 || errno != 0 || msgs[0].Len != 1 || msgs[1].Len != 3 || msgs[2].Len != 4 || msgs[3].Len != 1 { // AllocsPerRun runs twice
		t.Errorf("received %d messages (%v) of %d, %d, %d and %d bytes", n, errno, msgs[0].Len, msgs[1].Len, msgs[2].Len, msgs[3].Len)
	}
	_, _ = Receive(fds[1], msgs[:]) // the rest
	if n, errno := Receive(fds[1], msgs[:]); n != 0 || errno != unix.EAGAIN {
		t.Errorf("received %d (%v) where nothing is queued", n, errno)
	}
}

// TestSendLong checks that a call with many messages ends at a refused one, as a call with few
// does.
func TestSendLong(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	const refused = 3 // a queue has room for ten
	for _, many := range []int{long - 1, long, 100} {
		msgs, iov := make([]Message, many), unix.Iovec{Base: new(byte)}
		iov.SetLen(1)
		for i := range msgs {
			msgs[i].Header.Iov = &iov
			msgs[i].Header.SetIovlen(1)
		}
		msgs[refused].Header.SetIovlen(1 << 20) // EMSGSIZE
		if n, errno := Send(fds[0], msgs); n != refused || errno != 0 {
			t.Errorf("of %d messages it took %d (%v), want %d", many, n, errno, refused)
		}
		if n, errno := Send(fds[0], msgs[refused:]); n != 0 || errno != unix.EMSGSIZE {
			t.Errorf("of those behind it took %d (%v), want none", n, errno)
		}
		if n, errno := Receive(fds[1], msgs[refused+1:]); n != refused || errno != 0 {
			t.Errorf("%d arrived (%v), want %d", n, errno, refused)
		}
	}
}

func TestToLink(t *testing.T) {
	frame := []byte{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd}
	to := ToLink(7, frame)
	want := unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: 7, Halen: 6, Addr: [8]uint8{0x33, 0x33, 0, 0, 0, 1}, Protocol: to.Protocol}
	if to != want || [2]byte{byte(to.Protocol), byte(to.Protocol >> 8)} != [2]byte{0x86, 0xdd} && [2]byte{byte(to.Protocol >> 8), byte(to.Protocol)} != [2]byte{0x86, 0xdd} {
		t.Errorf("%+v", to)
	}
}
