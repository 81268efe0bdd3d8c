package monitor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/link"
	"ripcord/pkg/rtnl"
)

// receiveBuffer is the size of the kernel's buffer for each listening socket: some thousand
// messages, since a cable under many VLANs causes two messages for each.
const receiveBuffer = 4 << 20

// listener is a route netlink socket that has joined multicast groups.
type listener struct{ socket *rtnl.Socket }

var _ stream = (*listener)(nil)

func listen(size int, groups ...uint32) (*listener, error) {
	socket, err := rtnl.Listen(unix.NETLINK_ROUTE, size, groups...)
	if err != nil {
		return nil, err
	}
	return &listener{socket}, nil
}

// receive implements stream. It skips messages that cannot be decoded, which this kernel's
// rtnetlink as we know it does not send; the audit finds out whether one mattered.
func (l *listener) receive(dst []link.Observation, until time.Time) ([]link.Observation, time.Time, error) {
	messages, err := l.socket.Receive(until)
	at := time.Now()
	for _, m := range messages {
		if o := decode(m); o != nil {
			dst = append(dst, o)
		}
	}
	if errors.Is(err, rtnl.ErrOverrun) {
		err = errOverrun
	}
	return dst, at, err
}

func (l *listener) close() error { return l.socket.Close() }
