package rtnl

import (
	"time"

	"github.com/mdlayher/netlink"
)

// Transport is the part of a netlink socket that a Conn uses. Package rtnltest has one that
// simulates a kernel which answers late, twice, or never.
type Transport interface {
	// Send sends messages, whose sequence numbers are set, in one datagram.
	Send(messages []netlink.Message) error
	// Receive returns the messages of the next datagram from the kernel, valid until the next call.
	// It returns os.ErrDeadlineExceeded when none comes before until, and ErrOverrun when datagrams
	// were lost.
	Receive(until time.Time) ([]netlink.Message, error)
	// Port returns the socket's port number, which identifies the sender to others.
	Port() uint32
	Close() error
}
