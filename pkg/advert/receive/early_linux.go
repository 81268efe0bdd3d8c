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
	// A socket bound to the protocol IP would get each packet after the kernel's IP code, which then
	// works on a copy: that costs a router a tenth of the time of each packet that it forwards. A
	// socket bound to all protocols is asked first, and refuses the packet before anything is copied.
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: rawsock.HTONS(unix.ETH_P_ALL), Ifindex: index}); err != nil {
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

// What a filter can load about a packet beside its content (SKF_AD_OFF and SKF_AD_* in
// linux/filter.h).
const (
	aboutProtocol = 0xfffff000
	aboutKind     = 0xfffff004
	aboutTag      = 0xfffff02c
	aboutTagged   = 0xfffff030
)

// ofFamily drops packets of other protocols than IPv4 or IPv6, and packets of other VLANs: this
// socket is asked before the kernel passes those to the links of their VLANs. VLAN 0 is no VLAN.
func (p *assembler) ofFamily(f event.Family) {
	protocol := uint32(unix.ETH_P_IP)
	if f == event.IPv6 {
		protocol = unix.ETH_P_IPV6
	}
	p.load(unix.BPF_W|unix.BPF_ABS, aboutProtocol)
	p.must(unix.BPF_JEQ, protocol)
	p.load(unix.BPF_W|unix.BPF_ABS, aboutTagged)
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 4, K: 0})
	p.load(unix.BPF_W|unix.BPF_ABS, aboutTag)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0xfff)
	p.must(unix.BPF_JEQ, 0)
}

// forUs drops packets for other machines.
func (p *assembler) forUs() {
	const otherHost = 3 // PACKET_OTHERHOST
	p.load(unix.BPF_B|unix.BPF_ABS, aboutKind)
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
