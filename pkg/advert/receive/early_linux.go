package receive

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/wire"
)

// The owner of an address sends its adverts from it (RFC 9568 §5.1.1.1), and while we hold that
// address our kernel takes them for forged and drops them, so that there are two Actives. So
// adverts over IPv4 whose source is one of the shared addresses are read early, from a packet
// socket, before the kernel checks their source. All others are read from the raw socket, after
// routing, defragmentation and firewall, unless the kernel withholds them (see reach). Accept
// ignores packets from the wrong one of the two.

// openEarly opens the packet socket of an interface.
func openEarly(link string, index int, m filterSpec) (*port, error) {
	fail := func(fd int, what string, err error) (*port, error) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		whose := "of the owner of an address"
		if m.own {
			whose = "of a router with an address of ours"
		}
		return nil, fmt.Errorf("receive adverts %s on %s: %s: %w", whose, link, what, err)
	}
	// Without a protocol it receives nothing until it is bound, when its filter is attached.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fail(-1, "open a packet socket (needs CAP_NET_RAW)", err)
	}
	if err := rawsock.Attach(fd, m.program(false)); err != nil {
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
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: rawsock.HTONS(protocol), Ifindex: index}); err != nil {
		return fail(fd, "bind", err)
	}
	mmsg.Linger(fd)
	return &port{link: link, filterSpec: m, index: index, fd: fd}, nil
}

// wholeDatagram drops fragments.
func (p *assembler) wholeDatagram() {
	const fragment = 0x3fff // more fragments, or an offset
	p.load(unix.BPF_H|unix.BPF_ABS, netOff+6)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, fragment)
	p.must(unix.BPF_JEQ, 0)
}

// forUs drops packets for other machines, or with the tag of a VLAN that is not that of the link.
func (p *assembler) forUs() {
	const (
		otherHost = 3          // PACKET_OTHERHOST
		kind      = 0xfffff004 // SKF_AD_OFF + SKF_AD_PKTTYPE
	)
	p.load(unix.BPF_B|unix.BPF_ABS, kind)
	p.mustNot(otherHost)
}

// notDelivered keeps only VRRP packets for this machine, in one piece, from none of the sources
// whose adverts the raw socket receives. So the size of the filter does not grow with the
// configuration, as it would with a list of the shared addresses.
func (p *assembler) notDelivered(delivered []netip.Addr) {
	p.forUs()
	p.load(unix.BPF_B|unix.BPF_ABS, netOff+9)
	p.must(unix.BPF_JEQ, wire.Protocol)
	p.wholeDatagram()
	p.load(unix.BPF_W|unix.BPF_ABS, netOff+12)
	for _, a := range delivered {
		p.mustNot(words(a)[0])
	}
}
