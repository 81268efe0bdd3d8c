package receive

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// These constants limit the number of our addresses that a filter compares. With more, all
// adverts pass, and Accept ignores those that were read twice.
const (
	maxOwn4 = 200
	maxOwn6 = 100
)

// fromOwn keeps VRRP packets, in one piece, from an address of ours or of one of the watched
// VRIDs.
func (p *assembler) fromOwn(f event.Family, owned []netip.Addr, watched vridSet) {
	at, next, limit := uint32(netOff+12), uint32(netOff+9), maxOwn4
	if f == event.IPv6 {
		at, next, limit = netOff+8, netOff+6, maxOwn6
	}
	p.forUs()
	p.load(unix.BPF_B|unix.BPF_ABS, next)
	p.must(unix.BPF_JEQ, wire.Protocol)
	if f == event.IPv4 {
		p.wholeDatagram()
	}
	p.keepVRIDs(f, watched)
	if len(owned) > limit {
		p.code = append(p.code, keep)
		return
	}
	for _, ip := range owned {
		parts := words(ip)
		for i, word := range parts { // a word that differs leads to the next address
			p.load(unix.BPF_W|unix.BPF_ABS, at+4*uint32(i))
			p.code = append(p.code, unix.SockFilter{
				Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(2*(len(parts)-1-i) + 1), K: word,
			})
		}
		p.code = append(p.code, keep)
	}
	p.code = append(p.code, rawsock.Drop)
}

// ownedBy returns the addresses of ours for the socket of a link: the link's own, and those of
// other links, since an IPv4 address belongs to the whole host.
func ownedBy(f event.Family, link event.Link, everywhere []netip.Addr) []netip.Addr {
	var all []netip.Addr
	add := func(ip netip.Addr) {
		if event.FamilyOf(ip) == f && !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	if link.Sources != nil {
		for _, p := range *link.Sources {
			add(p.Addr())
		}
	}
	if link.Owned != nil {
		for _, ip := range *link.Owned {
			add(ip)
		}
	}
	add(link.Primary4)
	add(link.LinkLocal6)
	if limit := min(maxOwn4, maxOwn6); len(all)+len(everywhere) <= limit {
		for _, ip := range everywhere {
			add(ip)
		}
	}
	return all
}

// watchOwn updates the socket for packets from our addresses when these change.
func (w *socket) watchOwn(everywhere []netip.Addr) error {
	owned := ownedBy(w.family, w.link, everywhere)
	if slices.Equal(owned, w.filterSpec.owned) {
		return nil
	}
	w.filterSpec.owned = owned
	if w.port == nil {
		return nil
	}
	w.port.filterSpec = w.filterSpec
	return rawsock.Attach(w.port.fd, w.filterSpec.program(false))
}

// keepVRIDs keeps adverts of the given VRIDs. Its size depends on the eight words of the set, not
// on the number of VRIDs. It does not understand IPv4 headers with options, which no router
// sends.
func (p *assembler) keepVRIDs(f event.Family, set vridSet) {
	if set == (vridSet{}) {
		return
	}
	at := uint32(netOff + 20 + 1)
	if f == event.IPv6 {
		at = netOff + 40 + 1
	}
	const bit = 0 // the index in the scratch memory of 1 << (VRID % 32)
	p.load(unix.BPF_B|unix.BPF_ABS, at)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 31)
	p.add(unix.BPF_MISC|unix.BPF_TAX, 0)
	p.add(unix.BPF_LD|unix.BPF_IMM, 1)
	p.add(unix.BPF_ALU|unix.BPF_LSH|unix.BPF_X, 0)
	p.add(unix.BPF_ST, bit)
	p.load(unix.BPF_B|unix.BPF_ABS, at)
	p.add(unix.BPF_ALU|unix.BPF_RSH|unix.BPF_K, 5)
	for i, word := range set {
		if word == 0 {
			continue
		}
		// Words of other VRIDs are jumped over. After the right word, if it lacks the bit, the
		// accumulator is 0, which matches no later word.
		p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 4, K: uint32(i)})
		p.add(unix.BPF_LD|unix.BPF_MEM, bit)
		p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, word)
		p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: 0}, keep)
	}
}

// fromFrame reads the link-layer address and the IPv6 header of a packet from a packet socket.
func fromFrame(p *validate.Packet, name *unix.RawSockaddrLinklayer) {
	copy(p.From[:], name.Addr[:min(int(name.Halen), len(p.From))])
	const header = 40
	if p.Family != event.IPv6 || len(p.Data) < header {
		return
	}
	h := p.Data[:header]
	p.Path = wire.Path{Source: netip.AddrFrom16([16]byte(h[8:24])), Dest: netip.AddrFrom16([16]byte(h[24:40])), HopLimit: int(h[7])}
	length := int(h[4])<<8 | int(h[5])
	p.Data = p.Data[header:]
	p.Data = p.Data[:min(length, len(p.Data))]
}
