package neigh

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/wire"
)

// Listener observes the stations of a network namespace: those that send ARP, by a packet socket
// that receives nothing else and costs other traffic nothing; those that send neighbor discovery,
// by a raw ICMPv6 socket with the kernel's own filter; and those in the kernel's neighbor tables.
type Listener struct {
	// Questions records the questions to the kernel that fail; nil: nowhere. It is set before Listen.
	Questions *event.Questions

	sockets []*listenSocket
	tables  *rtnl.Conn
	list    func(*rtnl.Conn) ([]Sighting, error) // listNeighbors
}

// listenSocket is one socket, with the parser of its messages.
type listenSocket struct {
	file  *os.File
	raw   syscall.RawConn
	parse parser
	what  event.Question // for its messages
}

// parser parses a message; false if it shows no station.
type parser func(data []byte, from unix.Sockaddr, c control) (Sighting, bool)

const (
	// tablesEvery is the period at which the neighbor tables are read.
	tablesEvery = 10 * time.Second
	// After pauseAfter messages a socket is not read for floodPause: a flood of ARP must not cost a
	// core. Messages that do not fit into its buffer meanwhile are lost, and their stations are
	// asked again.
	pauseAfter = 128
	floodPause = 10 * time.Millisecond
)

// OpenListener opens the sockets. Without IPv6 it opens only those for IPv4.
func OpenListener() (*Listener, error) {
	l := &Listener{list: listNeighbors}
	arp, err := openListenSocket(unix.AF_PACKET, unix.SOCK_RAW, 0, bindARP, parseARP)
	if err != nil {
		return nil, fmt.Errorf("opening the socket that receives ARP (needs CAP_NET_RAW): %w", err)
	}
	arp.what = event.AskARP
	l.sockets = append(l.sockets, arp)
	switch nd, err := openListenSocket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, filterND, parseND); {
	case errors.Is(err, unix.EAFNOSUPPORT):
	case err != nil:
		l.Close()
		return nil, fmt.Errorf("opening the socket that receives neighbor discovery (needs CAP_NET_RAW): %w", err)
	default:
		nd.what = event.AskND
		l.sockets = append(l.sockets, nd)
	}
	if l.tables, err = rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE}); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening the rtnetlink socket: %w", err)
	}
	return l, nil
}

// Close closes the sockets; Listen must have returned.
func (l *Listener) Close() error {
	var errs []error
	for _, s := range l.sockets {
		errs = append(errs, s.file.Close())
	}
	if l.tables != nil {
		errs = append(errs, l.tables.Close())
	}
	return errors.Join(errs...)
}

// Listen calls seen for each sighting of a station, from several goroutines, until ctx ends. A
// station that it misses is one less to ask.
func (l *Listener) Listen(ctx context.Context, seen func(Sighting)) {
	var running sync.WaitGroup
	for _, s := range l.sockets {
		running.Go(func() { s.listen(ctx, seen, l.Questions) })
	}
	running.Go(func() { l.readTables(ctx, seen) })
	<-ctx.Done()
	for _, s := range l.sockets {
		_ = s.file.SetReadDeadline(time.Unix(1, 0)) // ends the present read
	}
	running.Wait()
}

// readTables reads the neighbor tables periodically. A failed dump is repeated with the next
// period.
func (l *Listener) readTables(ctx context.Context, seen func(Sighting)) {
	for {
		known, err := l.list(l.tables)
		l.Questions.Asked(event.AskNeighbors, err, time.Now())
		for _, s := range known {
			seen(s)
		}
		if !pause(ctx, time.Until(deadline.Coalesce(time.Now(), tablesEvery))) {
			return
		}
	}
}

// pause waits, and returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func openListenSocket(domain, typ, proto int, prepare func(fd int) error, parse parser) (*listenSocket, error) {
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1), prepare(fd)); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if domain == unix.AF_PACKET {
		mmsg.Linger(fd)
	}
	s := &listenSocket{file: os.NewFile(uintptr(fd), "listener"), parse: parse}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		return nil, err
	}
	return s, nil
}

// listen reads until ctx ends. It continues after an error, as when the link went down or there is
// no memory.
func (s *listenSocket) listen(ctx context.Context, seen func(Sighting), questions *event.Questions) {
	var data [128]byte // the parsers need no more
	var oob [256]byte
	for n := 1; ; n++ {
		var size, oobn int
		var from unix.Sockaddr
		var err error
		stop := s.raw.Read(func(fd uintptr) bool {
			size, oobn, _, from, err = unix.Recvmsg(int(fd), data[:], oob[:], 0)
			if errors.Is(err, unix.EAGAIN) { // it works, and nothing has arrived
				questions.Asked(s.what, nil, time.Now())
			}
			return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
		})
		if stop != nil { // the deadline that Listen set
			return
		}
		if questions.Asked(s.what, err, time.Now()); err == nil {
			if sighting, ok := s.parse(data[:size], from, readControl(oob[:oobn])); ok {
				seen(sighting)
			}
		}
		if (n%pauseAfter == 0 || err != nil) && !pause(ctx, floodPause) {
			return
		}
	}
}

// control holds the ancillary data of a message (cmsg(3)).
type control struct {
	at       time.Time
	index    int
	hopLimit int
}

func readControl(oob []byte) control {
	now := time.Now()
	c := control{at: now}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return c
	}
	for _, m := range messages {
		switch level, typ := m.Header.Level, m.Header.Type; {
		case level == unix.SOL_SOCKET && typ == unix.SO_TIMESTAMPNS_NEW && len(m.Data) >= 16:
			stamp := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			// A greater age is not plausible: the wall clock may have been set.
			c.at = now.Add(-min(max(now.Round(0).Sub(stamp), 0), time.Second))
		case level == unix.IPPROTO_IPV6 && typ == unix.IPV6_PKTINFO && len(m.Data) >= 20:
			c.index = int(binary.NativeEndian.Uint32(m.Data[16:]))
		case level == unix.IPPROTO_IPV6 && typ == unix.IPV6_HOPLIMIT && len(m.Data) >= 4:
			c.hopLimit = int(binary.NativeEndian.Uint32(m.Data))
		}
	}
	return c
}

func bindARP(fd int) error {
	// In network byte order, as in the frame.
	proto := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ARP >> 8, unix.ETH_P_ARP & 0xff})
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto})
}

func parseARP(data []byte, from unix.Sockaddr, c control) (Sighting, bool) {
	link, ok := from.(*unix.SockaddrLinklayer)
	if !ok || link.Pkttype == unix.PACKET_OUTGOING {
		return Sighting{}, false
	}
	mac, ip, reply, ok := wire.ParseARP(data)
	return Sighting{Index: link.Ifindex, Address: ip, MAC: mac, Answer: reply, At: c.at}, ok
}

// filterND lets only solicitations and advertisements through to a socket.
func filterND(fd int) error {
	filter := &unix.ICMPv6Filter{}
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0) // a set bit blocks
	}
	for _, typ := range []int{135, 136} {
		filter.Data[typ/32] &^= 1 << (typ % 32)
	}
	return errors.Join(
		unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, filter),
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1))
}

func parseND(data []byte, from unix.Sockaddr, c control) (Sighting, bool) {
	sender, ok := from.(*unix.SockaddrInet6)
	if !ok {
		return Sighting{}, false
	}
	ip, advert, ok := wire.ParseNDMessage(data, netip.AddrFrom16(sender.Addr), c.hopLimit)
	mac, _ := wire.NDLinkLayer(data)
	return Sighting{Index: c.index, Address: ip, MAC: mac, Answer: advert, At: c.at}, ok
}
