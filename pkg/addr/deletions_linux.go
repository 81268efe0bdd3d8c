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

// tell calls gone for what others than the socket of this port number deleted,
// and where some may have been missed, until ctx ends. When the socket fails it
// ends too: whoever listens asks now and then in any case.
func (d deletions) tell(ctx context.Context, self func() uint32, gone func()) {
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
