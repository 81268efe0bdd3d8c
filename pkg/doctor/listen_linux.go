package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/rawsock"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// listener receives adverts, queries for memberships and answers to questions on some links, by
// packet sockets: these come before the firewall and the reverse path filter, and show what this
// machine itself sends. The kernel passes nothing else to them, so that a busy router is not
// affected. While open it is a member of VRRP's groups, like a running daemon.
type listener struct {
	heard   *heard
	begun   time.Time
	sockets []listenSocket
	groups  []int // sockets that are members
	sender  *neigh.LinuxSender
	buffer  []byte
}

// listenSocket is the packet socket of a link.
type listenSocket struct {
	fd   int
	link string
}

func openListener(h *heard) (*listener, error) {
	sender, err := neigh.OpenSender()
	if err != nil {
		return nil, err
	}
	return &listener{heard: h, begun: time.Now(), sender: sender, buffer: make([]byte, 64<<10)}, nil
}

func (l *listener) close() {
	for _, s := range l.sockets {
		_ = unix.Close(s.fd)
	}
	for _, fd := range l.groups {
		_ = unix.Close(fd)
	}
	_ = l.sender.Close()
}

// add makes the listener listen on a link, as a member of some multicast groups.
func (l *listener) add(link *Link, groups []netip.Addr) error {
	program, err := wanted()
	if err != nil {
		return err
	}
	fd, err := openPacket(link.Link, unix.ETH_P_ALL, program)
	if err != nil {
		return err
	}
	l.sockets = append(l.sockets, listenSocket{fd, link.Name})
	l.join(link.Index, groups)
	return nil
}

// openPacket opens a packet socket on a link. Without a protocol it receives nothing until it is
// bound, after its filter is set.
func openPacket(link event.Link, protocol uint16, filter []unix.SockFilter) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open a packet socket (needs CAP_NET_RAW): %w", err)
	}
	if len(filter) > 0 {
		err = rawsock.Attach(fd, filter)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: rawsock.HTONS(protocol), Ifindex: link.Index})
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("listen on %s: %w", link.Name, err)
	}
	return fd, nil
}

// join makes a link a member of multicast groups, as far as possible.
func (l *listener) join(index int, groups []netip.Addr) {
	for _, group := range groups {
		if fd, err := unix.Socket(rawsock.Domain(event.FamilyOf(group)), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err == nil {
			l.groups = append(l.groups, fd)
			_ = rawsock.Join(fd, index, group)
		}
	}
}

// wanted returns the filter of the packet sockets, which accepts adverts, ARP, IGMP, MLD and
// neighbor advertisements. Frames with a VLAN tag belong to another link.
func wanted() ([]unix.SockFilter, error) {
	const (
		etherType, protocol4, next6, type6 = 12, ethernetLen + 9, ethernetLen + 6, ethernetLen + ipv6Len
		neighborAdvert                     = 136
	)
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 14},
		bpf.LoadAbsolute{Off: etherType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_ARP, SkipTrue: 11},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv4, SkipFalse: 3},
		bpf.LoadAbsolute{Off: protocol4, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: wire.Protocol, SkipTrue: 8},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: igmp, SkipTrue: 7, SkipFalse: 8},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv6, SkipFalse: 7},
		bpf.LoadAbsolute{Off: next6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: wire.Protocol, SkipTrue: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: hopByHop, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmpv6, SkipFalse: 3},
		bpf.LoadAbsolute{Off: type6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: neighborAdvert, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return program, err
}

// send sends frames. A frame that cannot be sent is skipped.
func (l *listener) send(frames []neigh.Frame) { l.sender.Send(frames) }

// hear reads frames for a time.
func (l *listener) hear(ctx context.Context, during time.Duration) error {
	return l.hearUntil(ctx, during, func() bool { return false })
}

// hearUntil reads frames for a time, or until enough reports true.
func (l *listener) hearUntil(ctx context.Context, during time.Duration, enough func() bool) error {
	const turn = 50 * time.Millisecond
	for end := time.Now().Add(during); ; {
		l.drain()
		left := time.Until(end)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case left <= 0 || enough():
			return nil
		}
		polled := make([]unix.PollFd, len(l.sockets))
		for i, s := range l.sockets {
			polled[i] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
		}
		wait := max(1, int(min(turn, left)/time.Millisecond))
		if _, err := unix.Poll(polled, wait); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for frames: %w", err)
		}
	}
}

// drain reads the queued frames, from each link a bounded number, so that a flood on one does not
// delay the others.
func (l *listener) drain() {
	const most = 4096
	for _, s := range l.sockets {
		for range most {
			n, from, err := unix.Recvfrom(s.fd, l.buffer, unix.MSG_DONTWAIT)
			if err != nil {
				break
			}
			link, ok := from.(*unix.SockaddrLinklayer)
			now := time.Now()
			l.heard.take(frame{
				link: s.link, own: ok && link.Pkttype == unix.PACKET_OUTGOING, data: l.buffer[:n], at: now.Sub(l.begun), wall: now,
			})
		}
	}
}

// questionsFor returns the frames that ask for the virtual addresses, and records them in h. It
// omits addresses of this machine: the kernel does not answer itself.
func questionsFor(f *Facts, h *heard) []neigh.Frame {
	var batch neigh.Batch
	for in := range f.instances() {
		link, ok := f.linkOf(in.Interface)
		if !ok || in.Priority == vrrp.Owner {
			continue
		}
		for _, a := range f.held(in) {
			ip := a.Prefix.Addr()
			here := slices.ContainsFunc(f.Addresses, func(own Address) bool { return own.Prefix.Addr() == ip })
			if here || a.Interface != "" && a.Interface != in.Interface {
				continue
			}
			h.asked[Answer{Link: in.Interface, Address: ip}] = true
			batch.Probe(link, ip)
		}
	}
	return batch.Frames()
}

const (
	answersWithin = 300 * time.Millisecond
	triesOfMAC    = 3
)

// tryVirtualMACs asks a station on the link of each instance with a virtual MAC, first from the MAC
// of the link, once for all instances there, then from the virtual one. It does not if the virtual
// router was heard: the switch would learn this port for the MAC of its Active.
func (l *listener) tryVirtualMACs(ctx context.Context, f *Facts) (ports []Port) {
	stations := make(map[string]netip.Addr) // by link; invalid if none answers
	for in := range f.instances() {
		link, ok := f.linkOf(in.Interface)
		if !ok || !in.VirtualMAC || l.heard.has(in) {
			continue
		}
		station, asked := stations[link.Name]
		if !asked {
			station = l.findStation(ctx, link, l.stationsOn(link))
			stations[link.Name] = station
		}
		if !station.IsValid() {
			continue
		}
		mac := wire.VirtualMAC(in.Family, in.VRID)
		answered, err := l.askAs(ctx, link, mac, station)
		if err != nil {
			f.lacks("the virtual MAC of "+in.Name, err)
			continue
		}
		ports = append(ports, Port{Link: in.Interface, Instance: in.Name, MAC: mac, Station: station, Answered: answered})
	}
	return ports
}

// stationsOn lists stations on a link over IPv4: those that were heard, and those in the kernel's
// table.
func (l *listener) stationsOn(link event.Link) (all []netip.Addr) {
	all = append(all, l.heard.stations[link.Name]...)
	for i := range l.heard.routers {
		if r := &l.heard.routers[i]; r.Link == link.Name && !r.Own && r.Source.Is4() {
			all = append(all, r.Source)
		}
	}
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		return all
	}
	defer conn.Close()
	known, _ := rtnl.Dump(conn, rtnl.ListNeighbors(unix.AF_INET), func(m netlink.Message) (netip.Addr, bool) {
		n, ok := rtnl.DecodeNeighbor(m)
		return n.Address, ok && n.Index == link.Index && n.State&(unix.NUD_FAILED|unix.NUD_NOARP) == 0
	})
	return append(all, known...)
}

// findStation returns a station that answers now; invalid if none does.
func (l *listener) findStation(ctx context.Context, link event.Link, candidates []netip.Addr) (found netip.Addr) {
	var batch neigh.Batch
	already := len(l.heard.answers)
	for _, ip := range candidates[:min(len(candidates), maxStations)] {
		l.heard.asked[Answer{Link: link.Name, Address: ip}] = true
		batch.Ask(link, ip)
	}
	l.send(batch.Frames())
	_ = l.hearUntil(ctx, answersWithin, func() bool { return len(l.heard.answers) > already })
	for _, a := range l.heard.answers {
		if a.Link == link.Name && slices.Contains(candidates, a.Address) {
			found = a.Address
		}
	}
	return found
}

// askAs asks a station by an ARP probe, which changes no table, from a MAC that the link accepts
// meanwhile.
func (l *listener) askAs(ctx context.Context, link event.Link, mac [6]byte, station netip.Addr) (answered bool, err error) {
	fd, err := openPacket(link, unix.ETH_P_ARP, nil)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	member := &unix.PacketMreq{Ifindex: int32(link.Index), Type: unix.PACKET_MR_UNICAST, Alen: 6}
	copy(member.Address[:], mac[:])
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, member); err != nil {
		return false, err
	}
	question := wire.AppendARPRequest(nil, mac, netip.IPv4Unspecified(), station)
	for range triesOfMAC {
		if answered {
			break
		}
		l.send([]neigh.Frame{{Index: link.Index, Data: question}})
		err = l.hearUntil(ctx, answersWithin, func() bool {
			answered = answered || answersTo(fd, mac, station)
			return answered
		})
	}
	return answered, err
}

// answersTo reports whether a socket has received a station's answer to a MAC.
func answersTo(fd int, mac [6]byte, station netip.Addr) bool {
	var buffer [128]byte
	for {
		n, _, err := unix.Recvfrom(fd, buffer[:], unix.MSG_DONTWAIT)
		if err != nil {
			return false
		}
		if _, ip, ok := wire.ParseARPReply(buffer[:n]); ok && ip == station && [6]byte(buffer[:6]) == mac {
			return true
		}
	}
}
