package send

import (
	"errors"
	"fmt"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
)

// RawSender sends adverts through raw sockets, one for each link and family: a packet in the
// transmit queue of a link counts against the send buffer of its socket, so a link that does not
// drain would fill the buffer of all links that share the socket. Each message names its
// interface and source. The kernel writes the IP header; the VRRP checksum is already in the
// message.
//
// An advert from a virtual MAC has its own headers and is sent through a packet socket, on the
// interface itself: so neither the first advert nor a resignation depends on the state of the
// macvlan with that MAC.
type RawSender struct {
	channels [3]*channel // by kind
	outlets  map[outletKey]*outlet
	users    map[string]user // the open outlets of instances, by name
	departed *departed
}

// user is an instance with an outlet, and the number of copies of its adverts.
type user struct {
	outletKey
	copies int
}

var _ Sender = (*RawSender)(nil)

// OpenSender opens the shared sockets, for links whose own socket cannot be opened. A family that
// the host does not have is no error here, but an error of each of its messages.
func OpenSender() (*RawSender, error) {
	s := &RawSender{outlets: make(map[outletKey]*outlet), users: make(map[string]user)}
	for k := range s.channels {
		shared, err := openOutlet(kind(k))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("advert engine: %w", err), s.Close())
		}
		s.channels[k] = &channel{kind: kind(k), shared: shared}
	}
	departed, err := openDeparted()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("advert engine: %w", err), s.Close())
	}
	s.departed = departed
	return s, nil
}

// Open opens a socket for the adverts of an instance, before the first one, and closes the one
// that it had for another link if no other instance needs it.
func (s *RawSender) Open(instance string, f *advert.Frames) {
	now := user{keyOf(f.Index, f.Source, f.Header), len(f.Copies)}
	was, had := s.users[instance]
	if was == now {
		return
	}
	s.users[instance] = now
	s.outlet(now.outletKey).join(now.copies)
	if !had {
		return
	}
	if o := s.outlets[was.outletKey]; o != nil && o.leave(was.copies) {
		delete(s.outlets, was.outletKey)
		_ = o.close() // the kernel closes it even if it returns an error
	}
}

// outlet returns the socket for a link, or else the shared one.
func (s *RawSender) outlet(key outletKey) *outlet {
	if o := s.outlets[key]; o != nil {
		return o
	}
	shared := s.channels[key.kind].shared
	if shared.broken != nil {
		return shared
	}
	o, err := openOutlet(key.kind)
	if err != nil {
		return shared // for example when descriptors run out
	}
	s.outlets[key] = o
	return o
}

// Send is part of Sender. It keeps the order within a link and family; receivers cannot observe
// any other order.
func (s *RawSender) Send(batch []advert.Message) {
	var last *outlet // most messages of a batch leave through the same one
	var of outletKey
	for i := range batch {
		m := &batch[i]
		key := keyOf(m.Index, m.Source, m.Header)
		if c := s.channels[key.kind]; c.accepts(m) {
			if last == nil || key != of {
				last, of = s.outlet(key), key
			}
			c.queue(last, m)
		}
	}
	for _, c := range s.channels {
		c.send()
	}
	s.departed.send(batch)
}

// Close closes the sockets.
func (s *RawSender) Close() error {
	var fds []int
	for _, c := range s.channels {
		if c != nil && c.shared.fd >= 0 {
			fds = append(fds, c.shared.fd)
		}
	}
	for _, o := range s.outlets {
		if o.fd >= 0 {
			fds = append(fds, o.fd)
		}
	}
	if s.departed != nil {
		fds = append(fds, s.departed.open()...)
	}
	return mmsg.Close(fds...)
}

// kind is the common property of the messages of a socket.
type kind uint8

// The kinds.
const (
	rawIPv4 kind = iota
	rawIPv6
	framed // messages with their own headers
)

func (k kind) family() event.Family {
	if k == rawIPv4 {
		return event.IPv4
	}
	return event.IPv6
}
