package firewall

import (
	"bytes"
	"encoding/binary"
)

// These are numbers of linux/netfilter/nf_tables.h: the values that an expression loads.
const (
	metaProtocol = 1
	metaIndexIn  = 4
	metaIndexOut = 5
	metaNameIn   = 6
	metaNameOut  = 7
	metaTypeIn   = 8
	metaTypeOut  = 9
	metaFamily   = 15
	metaL4Proto  = 16
	metaPacket   = 19

	baseNetwork   = 1
	baseTransport = 2

	register1   = 1 // of 16 bytes, the first of four
	register32  = 8 // of 4 bytes, the first of sixteen
	registerEnd = 24

	stateNew = 8 // adverts are not answered, so each is the first packet of its connection

	ethernet        = 1 // ARPHRD_ETHER
	packetHost      = 0
	packetMulticast = 2
	rawPriority     = -200 // of connection tracking: before it, packets have no state
)

// registers are the 64 bytes in which a rule keeps the values that it has loaded.
type registers struct{ bytes, known [64]byte }

// offset returns the offset of a register, and the greatest length of its value.
func offset(register uint32) (at, size int) {
	switch {
	case register >= register1 && register < register1+4:
		at = int(register-register1) * 16
	case register >= register32 && register < registerEnd:
		at = int(register-register32) * 4
	default:
		return 0, 0
	}
	return at, 64 - at
}

// load puts a value of that length into a register, with zeros up to the next four bytes, as the
// kernel does. The rest of a register is unknown if the value is shorter.
func (r *registers) load(to, length uint32, v Known) {
	at, size := offset(to)
	n := min(int(length), size)
	clear(r.bytes[at : at+n])
	clear(r.known[at : at+n])
	copy(r.bytes[at:at+n], v.Bytes)
	copy(r.known[at:at+n], v.Mask)
	for i := at + n; i%4 != 0; i++ {
		r.bytes[i], r.known[i] = 0, 0xff
	}
}

func (r *registers) get(from uint32, length int) Known {
	at, most := offset(from)
	n := min(length, most)
	return Known{r.bytes[at : at+n], r.known[at : at+n]}
}

// mask applies (value & mask) ^ value to a register. Bits that the mask clears are known.
func (r *registers) mask(p Part) {
	v := r.get(p.From, len(p.Mask))
	out := Known{make([]byte, len(v.Bytes)), make([]byte, len(v.Bytes))}
	for i := range out.Bytes {
		out.Bytes[i], out.Mask[i] = v.Bytes[i]&p.Mask[i], v.Mask[i]|^p.Mask[i]
		if i < len(p.Value) {
			out.Bytes[i] ^= p.Value[i]
		}
	}
	r.load(p.To, uint32(len(out.Bytes)), out)
}

// compare reports whether a comparison of a register holds.
func (r *registers) compare(p Part) answer {
	v := r.get(p.From, len(p.Value))
	if p.Operation == Between {
		if !v.certain() {
			return maybe
		}
		return holds((bytes.Compare(v.Bytes, p.Value) >= 0 && bytes.Compare(v.Bytes, p.High) <= 0) != p.Not)
	}
	switch p.Relation {
	case Equal:
		return v.equals(p.Value)
	case NotEqual:
		return yes - v.equals(p.Value)
	}
	if !v.certain() {
		return maybe
	}
	order := bytes.Compare(v.Bytes, p.Value)
	switch p.Relation {
	case Less:
		return holds(order < 0)
	case LessOrEqual:
		return holds(order <= 0)
	case Greater:
		return holds(order > 0)
	}
	return holds(order >= 0)
}

func holds(b bool) answer {
	if b {
		return yes
	}
	return no
}

// certain reports whether all bits are known.
func (k Known) certain() bool {
	for _, m := range k.Mask {
		if m != 0xff {
			return false
		}
	}
	return true
}

// equals reports whether the known bits agree with a value.
func (k Known) equals(want []byte) answer {
	if len(k.Bytes) != len(want) {
		return maybe
	}
	for i, w := range want {
		if (k.Bytes[i]^w)&k.Mask[i] != 0 {
			return no
		}
	}
	if !k.certain() {
		return maybe
	}
	return yes
}

// part returns some of the bytes; bytes beyond the end are unknown.
func (k Known) part(offset, length uint32) Known {
	from := min(int(offset), len(k.Bytes))
	to := min(from+int(length), len(k.Bytes))
	return Known{k.Bytes[from:to], k.Mask[from:to]}
}

// value returns the value that an expression loads from the packet.
func (p *Packet) value(c *Chain, part Part) Known {
	switch part.Operation {
	case LoadMeta:
		return p.meta(part.Meta)
	case LoadPayload:
		switch part.Base {
		case baseNetwork:
			return p.Network.part(part.Offset, part.Length)
		case baseTransport:
			return p.Payload.part(part.Offset, part.Length)
		}
	case LoadState:
		if !p.untracked && c.Family != FamilyNetdev && (!c.Base || c.Priority > rawPriority) {
			return Certain(binary.NativeEndian.AppendUint32(nil, stateNew))
		}
	}
	return Known{}
}

// meta returns a property of the packet.
func (p *Packet) meta(key uint32) Known {
	number := func(v uint32) Known { return Certain(binary.NativeEndian.AppendUint32(nil, v)) }
	short := func(v uint16) Known { return Certain(binary.NativeEndian.AppendUint16(nil, v)) }
	name := func(link string) Known { return Certain(ifname(link)) }
	ether, family, packet := []byte{0x08, 0x00}, byte(FamilyIPv4), byte(packetHost)
	if p.IPv6 {
		ether, family = []byte{0x86, 0xdd}, byte(FamilyIPv6)
	}
	if p.Group && p.Incoming != "" {
		packet = packetMulticast
	}
	in := p.Incoming != ""
	switch {
	case key == metaProtocol:
		return Certain(ether)
	case key == metaFamily:
		return Certain([]byte{family})
	case key == metaL4Proto:
		return Certain([]byte{p.Protocol})
	case key == metaPacket && in:
		return Certain([]byte{packet})
	case key == metaIndexIn && in, key == metaIndexOut && !in:
		return number(p.Index)
	case key == metaNameIn && in, key == metaNameOut && !in:
		return name(p.Incoming + p.Outgoing)
	case key == metaTypeIn && in, key == metaTypeOut && !in:
		return short(ethernet)
	case key == metaIndexIn, key == metaIndexOut:
		return number(0)
	case key == metaNameIn, key == metaNameOut:
		return name("")
	}
	return Known{}
}

// ifname returns a name as the kernel compares it.
func ifname(name string) []byte {
	b := make([]byte, 16) // IFNAMSIZ
	copy(b, name)
	return b
}
