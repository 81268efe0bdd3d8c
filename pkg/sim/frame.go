package sim

import (
	"bytes"
	"encoding/binary"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// frame is an advert in transit. It is never modified.
type frame struct {
	path wire.Path
	data []byte // as in validate.Packet
}

// ipv4Header is the length of the header that the kernel writes before a message.
const ipv4Header = 20

// newFrame returns the frame that the kernel makes of a message: over IPv4 with a header.
func newFrame(m *advert.Message) *frame {
	f := &frame{path: pathOf(m)}
	if m.Source.Is4() {
		from, to := m.Source.As4(), m.To.As4()
		f.data = make([]byte, ipv4Header, ipv4Header+len(m.Payload))
		f.data[0], f.data[8], f.data[9] = 0x45, m.HopLimit, wire.Protocol
		binary.BigEndian.PutUint16(f.data[2:], uint16(ipv4Header+len(m.Payload)))
		copy(f.data[12:], from[:])
		copy(f.data[16:], to[:])
	}
	f.data = append(f.data, m.Payload...)
	return f
}

// frameOf returns the frame of a message: the last one of its instance, if it is equal.
func (in *instance) frameOf(m *advert.Message) *frame {
	if f := in.sent; f == nil || f.path != pathOf(m) || !bytes.Equal(f.message(), m.Payload) {
		in.sent = newFrame(m)
	}
	return in.sent
}

func pathOf(m *advert.Message) wire.Path {
	return wire.Path{Source: m.Source, Dest: m.To, HopLimit: int(m.HopLimit)}
}

// message returns the part after the header.
func (f *frame) message() []byte {
	if f.path.Source.Is4() {
		return f.data[ipv4Header:]
	}
	return f.data
}

// packet fills p as a socket on the link would deliver the frame, with the receive stamp.
func (f *frame) packet(p *validate.Packet, link string, at, stamp time.Time) {
	*p = validate.Packet{Interface: link, Family: event.FamilyOf(f.path.Source), Data: f.data, Path: f.path, At: at, Stamp: stamp}
}

// isFor reports whether a port accepts the frame: it is multicast, or for an address of the port.
func (f *frame) isFor(p *Port) bool { return f.path.Dest.IsMulticast() || p.sources.has(f.path.Dest) }
