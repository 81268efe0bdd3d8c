package rtnl

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// reopenAfter is how long after a failure a watch opens its socket again.
const reopenAfter = time.Second

// Deletions selects the notifications of the kernel that a watch receives, such as those of deleted
// routes. The kernel filters them, so that others wake no process.
type Deletions struct {
	Protocol int      // the netlink protocol, such as NETLINK_ROUTE
	Groups   []uint32 // multicast groups
	// Filter is applied to each datagram. It begins with the low byte of the first message's type
	// in its accumulator.
	Filter []bpf.Instruction
	// Asked is called, from any goroutine, with an error each time that the socket cannot be opened or
	// fails, and with nil once it works; nil: it is not called.
	Asked func(error)
}

// Watch calls changed for each notification of a change by a socket with another port number than
// own, and when some may have been missed, until ctx ends. After a failure it reopens the socket.
func (d Deletions) Watch(ctx context.Context, own func() uint32, changed func()) {
	for ctx.Err() == nil {
		conn, err := d.open()
		if err == nil {
			changed() // no socket listened until now
			works := time.AfterFunc(reopenAfter, func() { d.asked(nil) })
			err = receiveDeletions(ctx, conn, own, changed)
			works.Stop()
			_ = conn.Close()
		}
		if ctx.Err() == nil {
			d.asked(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reopenAfter):
		}
	}
}

func (d Deletions) asked(err error) {
	if d.Asked != nil {
		d.Asked(err)
	}
}

// open opens the socket, with its filter before it joins the groups.
func (d Deletions) open() (*netlink.Conn, error) {
	program, err := bpf.Assemble(append([]bpf.Instruction{loadType()}, d.Filter...))
	if err != nil {
		return nil, err
	}
	conn, err := netlink.Dial(d.Protocol, nil)
	if err != nil {
		return nil, err
	}
	err = conn.SetBPF(program)
	for _, group := range d.Groups {
		err = errors.Join(err, conn.JoinGroup(group))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// loadType loads the low byte of the type of an nlmsghdr, which is in the host's byte order.
func loadType() bpf.Instruction {
	at := uint32(4)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		at = 5
	}
	return bpf.LoadAbsolute{Off: at, Size: 1}
}

// receiveDeletions calls changed until ctx ends or the socket fails, with the error that it returns.
func receiveDeletions(ctx context.Context, conn *netlink.Conn, own func() uint32, changed func()) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		messages, err := conn.Receive()
		if ctx.Err() != nil || err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		if err != nil || slices.ContainsFunc(messages, func(m netlink.Message) bool { return m.Header.PID != own() }) {
			changed()
		}
	}
}
