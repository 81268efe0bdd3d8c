package monitor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/link"
	"ripcord/pkg/rtnl"
)

// receiveBuffer is that of the kernel, for each socket that listens: some
// thousand messages, for a cable under many VLANs yields two for each.
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

// receive implements stream. It skips what cannot be decoded, which is not from
// this kernel's rtnetlink as it is known; the audit finds out whether it mattered.
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
