package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// frame is an advert on the wire. Nobody changes it.
type frame struct {
	path wire.Path
	data []byte // as advert.Packet has it
}

// newFrame is what the kernel makes of a message: over IPv4 with a header.
func newFrame(m *advert.Message) frame {
	f := frame{path: wire.Path{Source: m.Source, Dest: m.To, HopLimit: int(m.HopLimit)}}
	if m.Source.Is4() {
		from, to := m.Source.As4(), m.To.As4()
		f.data = make([]byte, 20, 20+len(m.Payload))
		f.data[0], f.data[8], f.data[9] = 0x45, m.HopLimit, wire.Protocol
		binary.BigEndian.PutUint16(f.data[2:], uint16(20+len(m.Payload)))
		copy(f.data[12:], from[:])
		copy(f.data[16:], to[:])
	}
	f.data = append(f.data, m.Payload...)
	return f
}

// packet is what a socket on the link delivers of it.
func (f frame) packet(link string, at time.Time) *advert.Packet {
	return &advert.Packet{
		Interface: link, Family: event.FamilyOf(f.path.Source), Data: f.data, Path: f.path, At: at,
	}
}

// isFor reports whether a port takes the frame in: it is for all, or for its address.
func (f frame) isFor(p *Port) bool { return f.path.Dest.IsMulticast() || f.path.Dest == p.address() }

// address is the source address of the router's adverts there.
func (p *Port) address() netip.Addr { return p.router.addrs[p.name] }
