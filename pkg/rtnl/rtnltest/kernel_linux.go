// Package rtnltest simulates a kernel for tests of code that uses package rtnl: one that answers
// late, twice, to another request, or never.
package rtnltest

import (
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// Datagram is the next datagram that the socket receives.
type Datagram struct {
	After    time.Duration // since the send
	Messages []netlink.Message
	Err      error // instead of messages, such as rtnl.ErrOverrun
}

// Kernel answers requests by a function.
type Kernel struct {
	// Answer is called with the messages of each datagram that is sent. It may sleep, like the
	// kernel while others hold its RTNL lock.
	Answer func(requests []netlink.Message) []Datagram

	mu     sync.Mutex
	opened int
}

// Open opens a socket: the Open of an rtnl.Config.
func (k *Kernel) Open() (rtnl.Transport, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened++
	return &socket{kernel: k, port: uint32(k.opened)}, nil
}

// Opened returns how many sockets were opened.
func (k *Kernel) Opened() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.opened
}

// socket is one socket; datagrams that arrive after it is closed are lost.
type socket struct {
	kernel *Kernel
	port   uint32
	queue  []arrival
}

type arrival struct {
	at time.Time
	Datagram
}

func (s *socket) Port() uint32 { return s.port }

func (s *socket) Close() error { return nil }

func (s *socket) Send(messages []netlink.Message) error {
	for _, d := range s.kernel.Answer(messages) {
		s.queue = append(s.queue, arrival{time.Now().Add(d.After), d})
	}
	slices.SortStableFunc(s.queue, func(a, b arrival) int { return a.at.Compare(b.at) })
	return nil
}

// Receive returns at once if until has passed, as Go's sockets do.
func (s *socket) Receive(until time.Time) ([]netlink.Message, error) {
	if len(s.queue) == 0 || s.queue[0].at.After(until) || !until.After(time.Now()) {
		time.Sleep(time.Until(until))
		return nil, os.ErrDeadlineExceeded
	}
	next := s.queue[0]
	s.queue = s.queue[1:]
	time.Sleep(time.Until(next.at))
	return next.Messages, next.Err
}

// Reply returns a message that answers a request.
func Reply(request netlink.Message, kind netlink.HeaderType, flags netlink.HeaderFlags, data []byte) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: flags, Sequence: request.Header.Sequence}, Data: data}
}

// Ack returns the NLMSG_ERROR that answers a request: an acknowledgement if errno is 0.
func Ack(request netlink.Message, errno unix.Errno) netlink.Message {
	data := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	return Reply(request, netlink.Error, 0, append(data, make([]byte, unix.SizeofNlMsghdr)...))
}

// List returns the messages of a dump, up to NLMSG_DONE; flags are those of each, besides
// NLM_F_MULTI.
func List(request netlink.Message, kind netlink.HeaderType, flags netlink.HeaderFlags, all ...[]byte) []netlink.Message {
	var messages []netlink.Message
	for _, data := range all {
		messages = append(messages, Reply(request, kind, flags|netlink.Multi, data))
	}
	return append(messages, Reply(request, netlink.Done, flags|netlink.Multi, make([]byte, 4)))
}
