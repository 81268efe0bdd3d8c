package receive

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// A link has one packet socket for both families, beside the raw sockets. It receives packets
// early: before the kernel checks their source, and before the firewall. It is for adverts that a
// raw socket does not receive, or not with enough detail:
//
//   - Over IPv4, adverts from an address that the kernel takes for forged. The owner of an address
//     sends from it (RFC 9568 §5.1.1.1), also while we hold that address, and another router may
//     have an address of ours by mistake. The reverse path filter drops adverts from other sources
//     (see reach). So the packet socket receives adverts from all sources except those whose
//     adverts the raw socket is known to receive.
//   - Adverts of the watched VRIDs from any source, to find out whether the firewall drops them
//     (see deliveries), or which MAC uses an address of ours.
//
// Accept ignores packets from the wrong one of the two sockets.

// openPacket opens the packet socket of a link.
func openPacket(at socketKey, index int, all families) (*port, error) {
	fail := func(fd int, what string, err error) (*port, error) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return nil, fmt.Errorf("packet socket on %s: %s: %w", at.link, what, err)
	}
	// Without a protocol it receives nothing until it is bound, when its filter is attached.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fail(-1, "open (needs CAP_NET_RAW)", err)
	}
	p := &port{socketKey: at, families: all, index: index, fd: fd}
	if err := p.filter(); err != nil {
		return fail(fd, "filter", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
	if err != nil {
		return fail(fd, "set its options", err)
	}
	// A socket bound to the protocol IP would get each packet after the kernel's IP code, which then
	// works on a copy: that costs a router a tenth of the time of each packet that it forwards. A
	// socket bound to all protocols is asked first, and refuses the packet before anything is copied.
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: rawsock.HTONS(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return fail(fd, "bind", err)
	}
	mmsg.Linger(fd)
	return p, nil
}

// bound reports whether a packet socket is still bound to its link: it is unbound for good when
// the link leaves the namespace, even if the link returns with the same index.
func (p *port) bound() bool {
	name, err := unix.Getsockname(p.fd)
	if err != nil {
		return true // the answer is not known
	}
	at, ok := name.(*unix.SockaddrLinklayer)
	return !ok || at.Ifindex == p.index
}

// A packet socket loads data from the IP header on, and these values about a packet beside its
// content (SKF_AD_OFF and SKF_AD_* in linux/filter.h).
const (
	aboutProtocol = 0xfffff000
	aboutKind     = 0xfffff004
	aboutTag      = 0xfffff02c
	aboutTagged   = 0xfffff030
)

// packetProgram builds the filter of a packet socket. The kernel runs it for each packet that
// arrives on the link, also for those that the router only forwards. So it first loads the
// EtherType and the IP protocol, and drops all packets but VRRP.
func packetProgram(all families, flooded bool) []unix.SockFilter {
	var p assembler
	p.load(unix.BPF_W|unix.BPF_ABS, aboutProtocol)
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		if a := all[f]; a != nil {
			part := a.packetProgram(flooded)
			p.skipUnless(uint32(etherTypes[f]), len(part))
			p.code = append(p.code, part...)
		}
	}
	return append(p.code, rawsock.Drop)
}

// etherTypes are the EtherTypes of the families.
var etherTypes = map[event.Family]uint16{event.IPv4: unix.ETH_P_IP, event.IPv6: unix.ETH_P_IPV6}

// packetProgram builds the part of the filter for a family, which ends in any case. During a
// flood it keeps only adverts with an acceptable hop limit and a known VRID.
func (a *adverts) packetProgram(flooded bool) []unix.SockFilter {
	var p assembler
	next := uint32(9)
	if a.family == event.IPv6 {
		next = 6
	}
	p.load(unix.BPF_B|unix.BPF_ABS, next)
	p.must(unix.BPF_JEQ, wire.Protocol)
	p.forUs()
	p.untagged()
	if a.family == event.IPv4 {
		p.wholeDatagram()
	}
	p.toGroup(&a.filterSpec)
	p.keepVRIDs(a.family, a.watched)
	if a.family == event.IPv6 { // the raw socket receives all
		return append(p.code, rawsock.Drop)
	}
	const source = 12
	p.load(unix.BPF_W|unix.BPF_ABS, source)
	for _, ip := range a.reach.delivered {
		p.mustNot(words(ip)[0])
	}
	p.end(&a.filterSpec, flooded)
	return p.code
}

// skipUnless jumps over n instructions unless the loaded value is k.
func (p *assembler) skipUnless(k uint32, n int) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: k})
	p.add(unix.BPF_JMP|unix.BPF_JA, uint32(n))
}

// forUs drops packets for other machines.
func (p *assembler) forUs() {
	const otherHost = 3 // PACKET_OTHERHOST
	p.load(unix.BPF_W|unix.BPF_ABS, aboutKind)
	p.mustNot(otherHost)
}

// untagged drops packets of other VLANs: this socket is asked before the kernel passes those to
// the links of their VLANs. VLAN 0 is no VLAN.
func (p *assembler) untagged() {
	p.load(unix.BPF_W|unix.BPF_ABS, aboutTagged)
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 4, K: 0})
	p.load(unix.BPF_W|unix.BPF_ABS, aboutTag)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0xfff)
	p.must(unix.BPF_JEQ, 0)
}

// wholeDatagram drops fragments.
func (p *assembler) wholeDatagram() {
	const fragment = 0x3fff // more fragments, or an offset
	p.load(unix.BPF_H|unix.BPF_ABS, 6)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, fragment)
	p.must(unix.BPF_JEQ, 0)
}

// keepVRIDs keeps adverts of the given VRIDs. Its size depends on the eight words of the set, not
// on the number of VRIDs. It does not understand IPv4 headers with options, which no router
// sends.
func (p *assembler) keepVRIDs(f event.Family, set vridSet) {
	if set == (vridSet{}) {
		return
	}
	at := uint32(20 + 1)
	if f == event.IPv6 {
		at = 40 + 1
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

// fromFrame reads the family and the link-layer address of a packet from a packet socket, and its
// IPv6 header.
func fromFrame(p *validate.Packet, name *unix.RawSockaddrLinklayer) {
	p.Early, p.Family = true, event.IPv4
	copy(p.From[:], name.Addr[:min(int(name.Halen), len(p.From))])
	if name.Protocol != rawsock.HTONS(unix.ETH_P_IPV6) {
		return
	}
	p.Family = event.IPv6
	const header = 40
	if len(p.Data) < header {
		return
	}
	h := p.Data[:header]
	p.Path = wire.Path{Source: netip.AddrFrom16([16]byte(h[8:24])), Dest: netip.AddrFrom16([16]byte(h[24:40])), HopLimit: int(h[7])}
	length := int(h[4])<<8 | int(h[5])
	p.Data = p.Data[header:]
	p.Data = p.Data[:min(length, len(p.Data))]
}
