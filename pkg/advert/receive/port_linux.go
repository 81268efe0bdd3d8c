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

// port is an open receive socket.
type port struct {
	socketKey
	families families
	index    int
	fd       int
	errors   int // failed reads in a row
	flood    flood
	arrivals *arrivalCounter // during a flood, if the kernel supports counting
	repeats  Filter          // drops repeated adverts; nil if a classic filter is used
	taken    uint64          // packets read; during a flood, those not yet subtracted from the arrivals
}

// receiveBuffer is room for the bursts of a link with many instances, floodBuffer for packets
// that a filter cannot recognize as invalid.
const (
	receiveBuffer = 1 << 20
	floodBuffer   = 8 << 20
)

// openPort opens a socket that receives adverts on the interface, whether that is up or not, and
// nothing else. A raw socket drops the packets that repeats filters, if that is not nil.
func openPort(at socketKey, index int, all families, repeats Filter) (*port, error) {
	if at.packet() {
		return openPacket(at, index, all)
	}
	fd, err := rawsock.Open(at.family, receiveOptions(at.family, index))
	if err != nil {
		return nil, err
	}
	p := &port{socketKey: at, families: all, index: index, fd: fd, repeats: repeats}
	// Without a filter, for which a limit may leave no room (net.core.optmem_max), Accept rejects
	// the packets for other virtual routers.
	_ = p.filter()
	enlarge(fd, receiveBuffer)
	discard(fd)
	for _, group := range p.spec().groups {
		if err := p.join(group); err != nil {
			_ = unix.Close(fd)
			return nil, err
		}
	}
	return p, nil
}

// spec returns the packets that a raw socket keeps.
func (p *port) spec() *filterSpec { return &p.families[p.family].filterSpec }

// join makes the link a member of a multicast group.
func (p *port) join(group netip.Addr) error {
	err := rawsock.Join(p.fd, p.index, group)
	if err == nil {
		return nil
	}
	hint := ""
	switch {
	case p.family == event.IPv6 && errors.Is(err, unix.EINVAL):
		hint = " (IPv6 is off on this link: its MTU is below 1280?)"
	case errors.Is(err, unix.ENOBUFS):
		hint = " (the instances on it use more groups than net.ipv4.igmp_max_memberships allows)"
	}
	return fmt.Errorf("join %v on %s: %w%s", group, p.link, err, hint)
}

// filtering returns the eBPF filter of the port, which drops repeated adverts. It can only check
// for the multicast group of RFC 9568.
func (p *port) filtering() int {
	spec := p.spec()
	return p.repeats.Filter(p.family, spec.anyDest() || spec.groups[0] != wire.GroupOf(p.family))
}

func receiveOptions(f event.Family, index int) []rawsock.Option {
	both := []rawsock.Option{
		rawsock.Int(unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, index, "SO_BINDTOIFINDEX"),
		rawsock.Int(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS"),
	}
	if f == event.IPv4 {
		// Otherwise it would receive groups that any socket of the host has joined. Source,
		// destination and TTL are in the IP header that it delivers.
		return append(both, rawsock.Int(unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"))
	}
	return append(both,
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"),
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"),
		// The kernel would drop packets with a wrong checksum without counting them.
		rawsock.Int(unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, -1, "IPV6_CHECKSUM"),
	)
}

// enlarge sets the buffer size of a socket. If the host allows less, it gets that.
func enlarge(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
}

// discard empties the queue and returns how many packets were in it: until the socket was bound
// to its interface, it received packets from other interfaces.
func discard(fd int) (n int) {
	var b [1]byte
	for {
		_, _, err := unix.Recvfrom(fd, b[:], unix.MSG_DONTWAIT)
		switch {
		case err == nil:
			n++
		case !errors.Is(err, unix.EINTR):
			return n
		}
	}
}

// linkGone reports whether an error of openPort means that the link does not exist.
func linkGone(err error) bool { return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) }

func (p *port) close() error {
	p.forget()
	if p.packet() {
		mmsg.Unbind(p.fd) // a packet socket closes slowly
	}
	return unix.Close(p.fd)
}

// forget closes the counter socket.
func (p *port) forget() {
	if p.arrivals != nil {
		p.arrivals.close()
	}
}

// filter attaches the filter that the port now needs.
func (p *port) filter() error {
	if p.repeats != nil && !p.flood.on {
		if rawsock.AttachProgram(p.fd, p.filtering()) == nil {
			return nil
		}
		p.repeats = nil
	}
	return rawsock.Attach(p.fd, p.program(p.flood.on))
}

// program builds the classic filter of the port.
func (p *port) program(flooded bool) []unix.SockFilter {
	if p.packet() {
		return packetProgram(p.families, flooded)
	}
	return p.spec().program(flooded)
}

// shield makes the kernel drop packets that cannot be adverts for an instance of the port. Each
// part that the kernel refuses is left out.
func (p *port) shield() {
	enlarge(p.fd, floodBuffer)
	if !p.packet() { // a packet socket counts no packets that the raw socket may receive, too
		p.arrivals, _ = openArrivalCounter(p.family, p.index)
	}
	p.taken = 0
	if rawsock.Attach(p.fd, p.program(true)) != nil && p.arrivals != nil {
		p.arrivals.close()
		p.arrivals = nil
	}
}

// dropped returns how many packets arrived since the last call and were lost: the filter dropped
// them, or the buffer was full. drain reads the queued packets; packets that arrive meanwhile are
// subtracted from the next count.
func (p *port) dropped(drain func()) uint64 {
	if p.arrivals == nil {
		return 0
	}
	arrived := p.arrivals.take()
	drain()
	read := min(p.taken, arrived)
	p.taken -= read
	return arrived - read
}

// unshield opens the filter again.
func (p *port) unshield() {
	if p.filter() != nil {
		return // the present filter stays, and only drops invalid packets
	}
	if p.arrivals != nil {
		p.arrivals.close()
		p.arrivals = nil
	}
	enlarge(p.fd, receiveBuffer)
}
