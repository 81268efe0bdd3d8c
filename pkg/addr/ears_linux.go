package addr

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

	"ripcord/pkg/rtnl"
	"ripcord/pkg/wire"
)

// LinuxEars hear the stations of a network namespace: ARP by a packet socket,
// which sees nothing else and costs other traffic nothing; neighbor discovery
// by a raw ICMPv6 socket with the kernel's own filter; and those whom the kernel
// knows from its neighbour tables.
type LinuxEars struct {
	sockets []*ear
	tables  *netlinkKernel
}

var _ Ears = (*LinuxEars)(nil)

// ear is one socket.
type ear struct {
	file  *os.File
	raw   syscall.RawConn
	parse func(data []byte, from unix.Sockaddr, c control) (Sighting, bool)
}

const (
	// tablesEvery is how often the neighbour tables are read.
	tablesEvery = 10 * time.Second
	// After inARow messages a socket rests: a flood of ARP must not cost a core.
	// What does not fit into its buffer meanwhile is lost, and asked for again.
	inARow = 128
	rest   = 10 * time.Millisecond
)

// OpenEars opens the sockets. Where there is no IPv6 it hears IPv4 alone.
func OpenEars() (*LinuxEars, error) {
	e := &LinuxEars{}
	arp, err := openEar(unix.AF_PACKET, unix.SOCK_RAW, 0, bindARP, parseARP)
	if err != nil {
		return nil, fmt.Errorf("opening the socket that hears ARP (needs CAP_NET_RAW): %w", err)
	}
	e.sockets = append(e.sockets, arp)
	switch nd, err := openEar(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, prepareND, parseND); {
	case errors.Is(err, unix.EAFNOSUPPORT):
	case err != nil:
		e.Close()
		return nil, fmt.Errorf("opening the socket that hears neighbor discovery (needs CAP_NET_RAW): %w", err)
	default:
		e.sockets = append(e.sockets, nd)
	}
	if e.tables, err = openNetlink(rtnl.Config{}); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close closes the sockets; Listen must have returned.
func (e *LinuxEars) Close() error {
	var errs []error
	for _, s := range e.sockets {
		errs = append(errs, s.file.Close())
	}
	if e.tables != nil {
		errs = append(errs, e.tables.Close())
	}
	return errors.Join(errs...)
}

// Listen is part of Ears.
func (e *LinuxEars) Listen(ctx context.Context, seen func(Sighting)) {
	var running sync.WaitGroup
	for _, s := range e.sockets {
		running.Go(func() { s.listen(ctx, seen) })
	}
	running.Go(func() { e.readTables(ctx, seen) })
	<-ctx.Done()
	for _, s := range e.sockets {
		_ = s.file.SetReadDeadline(time.Unix(1, 0)) // wakes it
	}
	running.Wait()
}

func (e *LinuxEars) readTables(ctx context.Context, seen func(Sighting)) {
	for {
		// A dump that fails is tried again with the next.
		known, _ := e.tables.neighbours()
		for _, s := range known {
			seen(s)
		}
		if !pause(ctx, tablesEvery) {
			return
		}
	}
}

// pause waits, and is false if ctx ended first.
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

func openEar(domain, typ, proto int, prepare func(fd int) error, parse func([]byte, unix.Sockaddr, control) (Sighting, bool)) (*ear, error) {
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1), prepare(fd)); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	a := &ear{file: os.NewFile(uintptr(fd), "ear"), parse: parse}
	if a.raw, err = a.file.SyscallConn(); err != nil {
		_ = a.file.Close()
		return nil, err
	}
	return a, nil
}

// listen reads until ctx ends. An error (the link went down, no memory) is no
// reason to go deaf.
func (a *ear) listen(ctx context.Context, seen func(Sighting)) {
	var data [128]byte // all that is looked at
	var oob [256]byte
	for n := 1; ; n++ {
		var size, oobn int
		var from unix.Sockaddr
		var err error
		stop := a.raw.Read(func(fd uintptr) bool {
			size, oobn, _, from, err = unix.Recvmsg(int(fd), data[:], oob[:], 0)
			return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
		})
		if stop != nil {
			return // woken by the end of ctx
		}
		if err == nil {
			if s, ok := a.parse(data[:size], from, readControl(oob[:oobn])); ok {
				seen(s)
			}
		}
		if (n%inARow == 0 || err != nil) && !pause(ctx, rest) {
			return
		}
	}
}

// control is what the kernel says beside a message.
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
			// No greater age is believed: the wall clock may have been set.
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

// prepareND lets solicitations and advertisements through.
func prepareND(fd int) error {
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
