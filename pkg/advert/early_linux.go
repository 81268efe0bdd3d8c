package advert

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// The owner of an address sends its adverts from it (RFC 9568 §5.1.1.1), and while
// we hold that address our kernel takes them for forged and drops them: two
// Actives. So adverts over IPv4 whose source is one of the shared addresses are
// heard early, by a packet socket, before the kernel judges their source; all
// others by the raw socket, as they have passed routing, fragmentation and
// firewall. Accept ignores what came by the wrong one.

// openEarly opens the packet socket of an interface.
func openEarly(link string, index int, m mesh) (*port, error) {
	fail := func(fd int, what string, err error) (*port, error) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		whom := "the owner of an address"
		if m.own {
			whom = "who has an address of ours"
		}
		return nil, fmt.Errorf("hear %s on %s: %s: %w", whom, link, what, err)
	}
	// Without a protocol it hears nothing until it is bound, behind its filter.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fail(-1, "open a packet socket (needs CAP_NET_RAW)", err)
	}
	if err := attach(fd, m.program(false)); err != nil {
		return fail(fd, "filter", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
	if err != nil {
		return fail(fd, "set its options", err)
	}
	protocol := uint16(unix.ETH_P_IP)
	if m.family == event.IPv6 {
		protocol = unix.ETH_P_IPV6
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(protocol), Ifindex: index}); err != nil {
		return fail(fd, "bind", err)
	}
	return &port{link: link, mesh: m, index: index, fd: fd}, nil
}

// wholeDatagram lets through what is no fragment.
func (p *assembler) wholeDatagram() {
	const fragment = 0x3fff // more fragments, or an offset
	p.load(unix.BPF_H|unix.BPF_ABS, netOff+6)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, fragment)
	p.must(unix.BPF_JEQ, 0)
}

// sourcesMost is how many addresses fit into a filter; where there are more, Accept
// looks at all adverts twice.
const sourcesMost = 1000

// fromShared lets through what is VRRP, in one piece, and comes from one of the
// shared addresses.
func (p *assembler) fromShared(shared []netip.Addr) {
	p.load(unix.BPF_B|unix.BPF_ABS, netOff+9)
	p.must(unix.BPF_JEQ, wire.Protocol)
	p.wholeDatagram()
	if len(shared) > sourcesMost {
		p.code = append(p.code, keep)
		return
	}
	p.load(unix.BPF_W|unix.BPF_ABS, netOff+12)
	for _, a := range shared {
		p.when(words(a)[0])
	}
	p.code = append(p.code, drop)
}
