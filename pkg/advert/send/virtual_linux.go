package send

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/mmsg"
)

// openVirtual opens a packet socket that sends before other traffic.
func openVirtual() (int, error) {
	fd, err := mmsg.PacketSocket()
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priority); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("set SO_PRIORITY of a packet socket: %w", err)
	}
	return fd, nil
}

// prepareVirtual is prepare for messages with their own headers.
func (c *channel) prepareVirtual(i int) {
	h := &c.msgs[i].Header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&c.links[i])), unix.SizeofSockaddrLinklayer
	h.Iov = &c.iovs[i][0]
	h.SetIovlen(2)
}

// address puts the headers and the destination of a message into its slot.
func (c *channel) address(i int, m *advert.Message) {
	c.iovs[i][0].Base = &m.Header[0]
	c.iovs[i][0].SetLen(len(m.Header))
	c.links[i] = mmsg.ToLink(m.Index, m.Header)
}
