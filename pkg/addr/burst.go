package addr

import (
	"net/netip"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Frame is one Ethernet frame for one link.
type Frame struct {
	Index int // ifindex
	Data  []byte
	Err   error // why it was not sent
}

// burst are frames that are sent at once. Its memory is used again.
type burst struct {
	frames []Frame
	of     []announced // what each frame announces, if it does
	bytes  []byte      // of the frames
}

// announced is an address of an instance that is announced.
type announced struct {
	instance string
	address  Address
}

func (b *burst) reset() { b.frames, b.of, b.bytes = b.frames[:0], b.of[:0], b.bytes[:0] }

// announce adds the frame that tells the neighbours that an address of an instance
// is at the present MAC of a link; none where neighbors do not resolve addresses.
func (b *burst) announce(instance string, a Address, link event.Link) {
	if !link.Resolves() {
		return
	}
	begin := len(b.bytes)
	if ip := a.Prefix.Addr(); ip.Is4() {
		b.bytes = wire.AppendGARP(b.bytes, link.HardwareAddr, ip)
	} else {
		b.bytes = wire.AppendNA(b.bytes, link.HardwareAddr, ip)
	}
	b.add(link, begin, announced{instance, a})
}

// ask adds the frame that asks a station on a link whether it is there.
func (b *burst) ask(link event.Link, whom netip.Addr) {
	if !link.Resolves() {
		return
	}
	begin := len(b.bytes)
	b.bytes = question(b.bytes, link, whom)
	b.add(link, begin, announced{})
}

// membership adds the frames that report that a link is a member of a group, in the
// older and the newer form. A link that is not up, or bears no MAC, reports nothing.
func (b *burst) membership(link event.Link, group netip.Addr) {
	if !link.Usable || link.HardwareAddr == [6]byte{} {
		return
	}
	from := source(link, group)
	for _, add := range []func([]byte, [6]byte, netip.Addr, netip.Addr) []byte{wire.AppendReport, wire.AppendStateReport} {
		begin := len(b.bytes)
		b.bytes = add(b.bytes, link.HardwareAddr, from, group)
		b.add(link, begin, announced{})
	}
}

// probe adds the frame that asks whether another station on a link has an address
// that is held here.
func (b *burst) probe(link event.Link, held netip.Addr) {
	if !link.Resolves() || held.Is6() && !link.LinkLocal6.IsValid() {
		return
	}
	begin := len(b.bytes)
	link.Primary4 = netip.Addr{} // RFC 5227 §2.1.1: a probe tells nobody anything
	b.bytes = question(b.bytes, link, held)
	b.add(link, begin, announced{})
}

// add adds the bytes from begin on as a frame. Where those before them were moved
// to make room, the earlier frames keep the old place.
func (b *burst) add(link event.Link, begin int, what announced) {
	b.frames = append(b.frames, Frame{Index: link.Index, Data: b.bytes[begin:len(b.bytes):len(b.bytes)]})
	b.of = append(b.of, what)
}
