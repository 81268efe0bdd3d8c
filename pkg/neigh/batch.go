package neigh

import (
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// MaxFrames is the number of frames that a Sender passes to a link by one system call.
const MaxFrames = 64

// Frame is one Ethernet frame for one link.
type Frame struct {
	Index int // ifindex
	Data  []byte
	Err   error // why it was not sent
}

// Sender sends Ethernet frames. Only one goroutine calls it.
type Sender interface {
	// Send passes frames to their links, in order, and sets the Err of each. It does not wait for
	// buffer space, and continues after a frame that cannot be sent.
	Send(frames []Frame)
}

// Batch holds frames that are sent together. Reset makes its memory available again.
type Batch struct {
	frames []Frame
	bytes  []byte // the bytes of the frames
}

// Reset empties the batch.
func (b *Batch) Reset() { b.frames, b.bytes = b.frames[:0], b.bytes[:0] }

// usualFrame is the size of most frames: an ARP packet, or a neighbor advertisement.
const usualFrame = 86

// Grow makes room for n more frames.
func (b *Batch) Grow(n int) {
	b.frames, b.bytes = slices.Grow(b.frames, n), slices.Grow(b.bytes, n*usualFrame)
}

// Frames returns the frames in the order in which they were added; they are valid until the next
// Reset.
func (b *Batch) Frames() []Frame { return b.frames }

// Announce adds the gratuitous ARP or unsolicited neighbor advertisement which says that an address
// is at the present MAC of a link. On a link without address resolution it adds none, and returns
// false.
func (b *Batch) Announce(link event.Link, a netip.Addr) bool {
	if !link.Resolves() {
		return false
	}
	begin := len(b.bytes)
	if a.Is4() {
		b.bytes = wire.AppendGARP(b.bytes, link.HardwareAddr, a)
	} else {
		b.bytes = wire.AppendNA(b.bytes, link.HardwareAddr, a)
	}
	b.add(link, begin)
	return true
}

// Ask adds a question to a station on a link (an ARP request or a neighbor solicitation).
func (b *Batch) Ask(link event.Link, station netip.Addr) {
	if !link.Resolves() {
		return
	}
	begin := len(b.bytes)
	b.bytes = appendQuestion(b.bytes, link, station)
	b.add(link, begin)
}

// AskAt adds a question to a station whose MAC is known: no other station receives it.
func (b *Batch) AskAt(link event.Link, station netip.Addr, mac [6]byte) {
	begin := len(b.bytes)
	if b.Ask(link, station); len(b.bytes) > begin {
		copy(b.bytes[begin:], mac[:])
	}
}

// Probe adds the question whether another station on a link has an address that is held here. An
// ARP probe has no sender address, so it changes no neighbor's table (RFC 5227 §2.1.1).
func (b *Batch) Probe(link event.Link, held netip.Addr) {
	if held.Is6() && !link.LinkLocal6.IsValid() {
		return
	}
	link.Primary4 = netip.Addr{}
	b.Ask(link, held)
}

// Report adds the reports that a link is a member of a multicast group, in the older and the newer
// form. It adds none for a link that is not up, or has no MAC.
func (b *Batch) Report(link event.Link, group netip.Addr) {
	if !link.Usable || link.HardwareAddr == [6]byte{} {
		return
	}
	from := reportSource(link, group)
	for _, add := range []func([]byte, [6]byte, netip.Addr, netip.Addr) []byte{wire.AppendReport, wire.AppendStateReport} {
		begin := len(b.bytes)
		b.bytes = add(b.bytes, link.HardwareAddr, from, group)
		b.add(link, begin)
	}
}

// add adds the bytes from begin on as a frame. When b.bytes has to grow, earlier frames keep their
// bytes in the old array.
func (b *Batch) add(link event.Link, begin int) {
	b.frames = append(b.frames, Frame{Index: link.Index, Data: b.bytes[begin:len(b.bytes):len(b.bytes)]})
}

// reportSource returns the address from which a link reports its membership of a group.
func reportSource(link event.Link, group netip.Addr) netip.Addr {
	if a := link.Address(event.FamilyOf(group)); a.IsValid() {
		return a
	}
	if group.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// appendQuestion appends the frame that asks for the MAC of an address. From a link without an IPv4
// address it is an ARP probe, which is answered too (RFC 5227 §2.1.1).
func appendQuestion(b []byte, link event.Link, station netip.Addr) []byte {
	if station.Is6() {
		return wire.AppendNS(b, link.HardwareAddr, link.LinkLocal6, station)
	}
	source := link.Primary4
	if !source.IsValid() {
		source = netip.IPv4Unspecified()
	}
	return wire.AppendARPRequest(b, link.HardwareAddr, source, station)
}
