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

// Numbers of addresses of ours that a filter compares at most. With more, all adverts pass,
// and Accept ignores those that were heard twice.
const (
	ownMost4 = 200
	ownMost6 = 100
)

// fromOwn lets through what is VRRP, in one piece, and comes from an address of ours
// or is of one of the watched VRIDs.
func (p *assembler) fromOwn(f event.Family, owned []netip.Addr, watched vridSet) {
	at, next, most := uint32(netOff+12), uint32(netOff+9), ownMost4
	if f == event.IPv6 {
		at, next, most = netOff+8, netOff+6, ownMost6
	}
	p.forUs()
	p.load(unix.BPF_B|unix.BPF_ABS, next)
	p.must(unix.BPF_JEQ, wire.Protocol)
	if f == event.IPv4 {
		p.wholeDatagram()
	}
	p.keepVRIDs(f, watched)
	if len(owned) > most {
		p.code = append(p.code, keep)
		return
	}
	for _, ip := range owned {
		parts := words(ip)
		for i, word := range parts { // a word that differs leads behind the last
			p.load(unix.BPF_W|unix.BPF_ABS, at+4*uint32(i))
			p.code = append(p.code, unix.SockFilter{
				Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(2*(len(parts)-1-i) + 1), K: word,
			})
		}
		p.code = append(p.code, keep)
	}
	p.code = append(p.code, rawsock.Drop)
}

// ownedBy gathers the addresses of ours for which the socket of a link listens: the
// link's own, and those of others, for an IPv4 address is the whole host's.
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
	if most := min(ownMost4, ownMost6); len(all)+len(everywhere) <= most {
		for _, ip := range everywhere {
			add(ip)
		}
	}
	return all
}

// watchOwn has the socket for what comes from addresses of ours follow these.
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

// keepVRIDs lets through adverts of these VRIDs. Its size depends on the eight words of the
// set, not on the number of VRIDs. An IPv4 header with options, which no router sends, is not
// understood.
func (p *assembler) keepVRIDs(f event.Family, set vridSet) {
	if set == (vridSet{}) {
		return
	}
	at := uint32(netOff + 20 + 1)
	if f == event.IPv6 {
		at = netOff + 40 + 1
	}
	const bit = 0 // the place in the scratch memory of 1 << (VRID % 32)
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
		// A word that is not the VRID's is jumped over. Behind one that is and lacks the
		// bit the accumulator is 0, which is no word that follows.
		p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 4, K: uint32(i)})
		p.add(unix.BPF_LD|unix.BPF_MEM, bit)
		p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, word)
		p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: 0}, keep)
	}
}

// fromFrame takes what the link-layer address and the IPv6 header say of a packet that
// came by a packet socket.
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
