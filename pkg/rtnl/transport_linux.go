package rtnl

import (
	"time"

	"github.com/mdlayher/netlink"
)

// Transport is what a Conn needs of a netlink socket. Package rtnltest has one
// that plays a kernel which answers late, twice, or never.
type Transport interface {
	// Send sends messages, whose sequence numbers are set, in one datagram.
	Send(messages []netlink.Message) error
	// Receive returns the messages of the next datagram from the kernel, valid
	// until the next call. It fails with os.ErrDeadlineExceeded when none comes
	// before until, and with ErrOverrun when datagrams were lost.
	Receive(until time.Time) ([]netlink.Message, error)
	// Port returns the socket's port number, by which others know the sender.
	Port() uint32
	Close() error
}
