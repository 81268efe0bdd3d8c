package advert

import (
	"errors"
	"fmt"

	"ripcord/pkg/event"
)

// RawSender sends adverts for all interfaces through one raw socket per family:
// each message says on which interface and from which source it leaves. The
// kernel writes the IP header; the VRRP checksum stands in the message already.
//
// What leaves from a virtual MAC bears its own headers and goes through a packet
// socket, on the interface itself: so neither the first advert nor a
// resignation depends on the state of the macvlan that bears that MAC.
type RawSender struct{ four, six, virtual *channel }

var _ Sender = (*RawSender)(nil)

// OpenSender opens the sockets. A family that the host does not have is no
// error here, but one of each of its messages.
func OpenSender() (*RawSender, error) {
	four, err := openChannel(event.IPv4)
	if err != nil {
		return nil, fmt.Errorf("advert engine: %w", err)
	}
	six, err := openChannel(event.IPv6)
	if err != nil {
		_ = four.close()
		return nil, fmt.Errorf("advert engine: %w", err)
	}
	virtual, err := openVirtual()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("advert engine: %w", err), four.close(), six.close())
	}
	return &RawSender{four, six, virtual}, nil
}

// Send is part of Sender. Order is kept within a family; the families do not
// know of each other on the wire.
func (s *RawSender) Send(batch []Message) {
	s.four.send(batch)
	s.six.send(batch)
	s.virtual.send(batch)
}

// Close closes the sockets.
func (s *RawSender) Close() error {
	return errors.Join(s.four.close(), s.six.close(), s.virtual.close())
}
