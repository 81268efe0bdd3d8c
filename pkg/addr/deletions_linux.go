package addr

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

// deletions is a socket that hears the kernel tell of what was deleted, and of
// nothing else: the filter is the kernel's, so that nobody is woken for the rest.
type deletions struct{ *netlink.Conn }

// listenForDeletions opens one of a netlink protocol, in these groups. The filter
// begins with the message's type in its accumulator, as the messages have it.
func listenForDeletions(protocol int, groups []uint32, filter ...bpf.Instruction) (deletions, error) {
	program, err := bpf.Assemble(append([]bpf.Instruction{loadType()}, filter...))
	if err != nil {
		return deletions{}, err
	}
	conn, err := netlink.Dial(protocol, nil)
	if err != nil {
		return deletions{}, err
	}
	err = conn.SetBPF(program)
	for _, group := range groups {
		err = errors.Join(err, conn.JoinGroup(group))
	}
	if err != nil {
		_ = conn.Close()
		return deletions{}, err
	}
	return deletions{conn}, nil
}

// loadType loads the low byte of the type of an nlmsghdr, which is in the host's
// byte order.
func loadType() bpf.Instruction {
	at := uint32(4)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		at = 5
	}
	return bpf.LoadAbsolute{Off: at, Size: 1}
}

// listenAgainAfter is how long after a failure a listener is opened again.
const listenAgainAfter = time.Second

// listenAgain opens a listener, and again after it fails, and calls gone for what
// others than the socket of the port number self deleted, and where some deletions
// may have been missed, until ctx ends.
func listenAgain(ctx context.Context, open func() (deletions, error), self func() uint32, gone func()) {
	for {
		if d, err := open(); err == nil {
			gone() // what came before was not heard
			d.listen(ctx, self, gone)
			_ = d.Close()
		}
		if !pause(ctx, listenAgainAfter) {
			return
		}
	}
}

// listen calls gone until ctx ends or the socket fails.
func (d deletions) listen(ctx context.Context, self func() uint32, gone func()) {
	stop := context.AfterFunc(ctx, func() { _ = d.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		messages, err := d.Receive()
		if ctx.Err() != nil || err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
		if err != nil || slices.ContainsFunc(messages, func(m netlink.Message) bool { return m.Header.PID != self() }) {
			gone()
		}
	}
}
