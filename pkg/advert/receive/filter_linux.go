package receive

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// The filters of a receive socket are classic BPF programs (linux/filter.h). The kernel runs them
// before it queues a packet, so dropped packets cost neither memory nor a wake-up. The socket's
// protocol is 112, which needs no instruction.

// filterSpec describes the packets of a family that the filters of a link's sockets keep: the
// common properties of the instances.
type filterSpec struct {
	family  event.Family
	vrids   []uint8
	groups  []netip.Addr // the multicast groups to which their adverts are sent, once each
	unicast bool         // one of them has peers
	least   uint8        // the minimum hop limit that any of them accepts
	shared  []netip.Addr // addresses of the instances that another router may own
}

// add adds one more instance whose adverts the filter keeps.
func (m *filterSpec) add(in *vrrp.Instance) {
	least := uint8(wire.HopLimit)
	if len(in.Unicast.Peers) > 0 {
		m.unicast, least = true, in.Unicast.MinTTL
	}
	if len(m.vrids) == 0 || least < m.least {
		m.least = least
	}
	if group := in.MulticastGroup(); !slices.Contains(m.groups, group) {
		m.groups = append(m.groups, group)
		slices.SortFunc(m.groups, netip.Addr.Compare)
	}
	m.family = in.Family
	m.vrids = append(m.vrids, in.VRID)
	if in.Priority != vrrp.Owner { // no other router owns its addresses
		m.shared = append(m.shared, in.Addresses...)
	}
}

// netOff makes an absolute load count from the IP header (SKF_NET_OFF): of an IPv6 packet a
// filter only sees the part after it.
const netOff = 0xfff00000

// keep ends a filter: all of the packet is kept.
var keep = unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff}

// anyDest reports whether the filter accepts any destination because there are several: the
// socket only receives packets for the groups that it has joined and for the link's own
// addresses.
func (m *filterSpec) anyDest() bool { return m.unicast || len(m.groups) != 1 }

// program builds the filter of a raw socket: it keeps packets for the group, or for any
// destination if there are several; in a flood only those with an acceptable hop limit and a known
// VRID.
func (m *filterSpec) program(flooded bool) []unix.SockFilter {
	var p assembler
	p.toGroup(m)
	p.end(m, flooded)
	return p.code
}

// toGroup drops packets for other destinations than the group, if there is only one.
func (p *assembler) toGroup(m *filterSpec) {
	if m.anyDest() {
		return
	}
	for i, word := range words(m.groups[0]) {
		p.load(unix.BPF_W|unix.BPF_ABS, netOff+m.dest()+4*uint32(i))
		p.must(unix.BPF_JEQ, word)
	}
}

// end ends a filter: it keeps all packets, or in a flood those that may be valid.
func (p *assembler) end(m *filterSpec, flooded bool) {
	if !flooded {
		p.code = append(p.code, keep)
		return
	}
	p.load(unix.BPF_B|unix.BPF_ABS, netOff+m.hopLimit())
	p.must(unix.BPF_JGE, uint32(m.least))
	if m.family == event.IPv4 { // the message is behind IHL words of header
		p.add(unix.BPF_LDX|unix.BPF_B|unix.BPF_MSH, 0)
		p.load(unix.BPF_B|unix.BPF_IND, 1)
	} else {
		p.load(unix.BPF_B|unix.BPF_ABS, 1)
	}
	for _, vrid := range slices.Compact(slices.Sorted(slices.Values(m.vrids))) {
		p.when(uint32(vrid))
	}
	p.code = append(p.code, rawsock.Drop)
}

// dest and hopLimit return offsets in the IP header.
func (m *filterSpec) dest() uint32 {
	if m.family == event.IPv4 {
		return 16
	}
	return 24
}

func (m *filterSpec) hopLimit() uint32 {
	if m.family == event.IPv4 {
		return 8
	}
	return 7
}

// words returns the 32-bit words of an address.
func words(a netip.Addr) []uint32 {
	var out []uint32
	for b := a.AsSlice(); len(b) > 0; b = b[4:] {
		out = append(out, binary.BigEndian.Uint32(b))
	}
	return out
}

// assembler builds a program.
type assembler struct{ code []unix.SockFilter }

func (p *assembler) add(code uint16, k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: code, K: k})
}

func (p *assembler) load(what uint16, at uint32) { p.add(unix.BPF_LD|what, at) }

// must drops the packet unless the loaded value is k (BPF_JEQ) or at least k
// (BPF_JGE).
func (p *assembler) must(compare uint16, k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | compare | unix.BPF_K, Jt: 1, K: k}, rawsock.Drop)
}

// mustNot drops the packet if the loaded value is k.
func (p *assembler) mustNot(k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: k}, rawsock.Drop)
}

// when keeps the packet if the loaded value is k.
func (p *assembler) when(k uint32) {
	p.code = append(p.code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: k}, keep)
}

// arrivalCounter counts all packets that arrive for a port, whatever its filter does with them,
// which the kernel does not: it is a socket with hardly any buffer, and the kernel counts the
// packets that do not fit (SK_MEMINFO_DROPS).
type arrivalCounter struct {
	fd   int
	seen uint32
}

func openArrivalCounter(f event.Family, index int) (*arrivalCounter, error) {
	fd, err := rawsock.Open(f, []rawsock.Option{
		rawsock.Int(unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, index, "SO_BINDTOIFINDEX"),
		rawsock.Int(unix.SOL_SOCKET, unix.SO_RCVBUF, 0, "SO_RCVBUF"),
	})
	if err != nil {
		return nil, err
	}
	discard(fd)
	t := &arrivalCounter{fd: fd}
	t.seen = t.drops()
	return t, nil
}

// take counts the packets that have arrived since the last call.
func (t *arrivalCounter) take() uint64 {
	queued := uint64(discard(t.fd))
	drops := t.drops()
	n := uint64(drops - t.seen) // the kernel's counter wraps
	t.seen = drops
	return n + queued
}

// skMemInfoDrops is the index of SK_MEMINFO_DROPS in the answer to SO_MEMINFO.
const skMemInfoDrops = 8

func (t *arrivalCounter) drops() uint32 {
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(t.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return t.seen // older than Linux 4.12: nothing is counted
	}
	return info[skMemInfoDrops]
}

func (t *arrivalCounter) close() { _ = unix.Close(t.fd) }
