package neigh

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/mmsg"
)

const (
	// answersBuffer has room for the answers of a thousand stations.
	answersBuffer = 1 << 20
	// readAtOnce is the number of messages read by one system call, maxRead the number after which
	// Read gives up because there is a flood of answers.
	readAtOnce = 32
	maxRead    = 4096
)

// Answers receives ARP replies and neighbor advertisements on all links, for one goroutine that
// reads them when it needs them. Unlike a Listener it loses no answer between two reads, unless
// Read reports so.
type Answers struct {
	sockets []*answerSocket
}

// answerSocket is one of the sockets, with the buffers for the messages that are read at once.
type answerSocket struct {
	fd    int
	parse parser
	drops uint32 // the number of messages that did not fit into its buffer
	msgs  [readAtOnce]mmsg.Message
	iovs  [readAtOnce]unix.Iovec
	names [readAtOnce]unix.RawSockaddrLinklayer // the senders, of the packet socket
	data  [readAtOnce][128]byte
	oob   [readAtOnce][128]byte
}

// OpenAnswers opens the sockets. Without IPv6 it opens only the one for IPv4.
func OpenAnswers() (*Answers, error) {
	a := &Answers{}
	err := a.open(unix.AF_PACKET, 0, filterReplies, parseARP)
	if err != nil {
		return nil, fmt.Errorf("opening the socket that receives ARP replies (needs CAP_NET_RAW): %w", err)
	}
	err = a.open(unix.AF_INET6, unix.IPPROTO_ICMPV6, filterND, parseND)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		_ = a.Close()
		return nil, fmt.Errorf("opening the socket that receives neighbor advertisements (needs CAP_NET_RAW): %w", err)
	}
	return a, nil
}

func (a *Answers) open(domain, proto int, prepare func(fd int) error, parse parser) error {
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, answersBuffer) // the default holds 250
	if err := prepare(fd); err != nil {
		_ = unix.Close(fd)
		return err
	}
	s := &answerSocket{fd: fd, parse: parse}
	for i := range s.msgs {
		s.iovs[i].Base = &s.data[i][0]
		s.iovs[i].SetLen(len(s.data[i]))
		h := &s.msgs[i].Header
		h.Iov = &s.iovs[i]
		h.SetIovlen(1)
		if domain == unix.AF_PACKET {
			h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
		} else {
			h.Control = &s.oob[i][0]
		}
	}
	a.sockets = append(a.sockets, s)
	return nil
}

// Close closes the sockets.
func (a *Answers) Close() error {
	var fds []int
	for _, s := range a.sockets {
		fds = append(fds, s.fd)
	}
	return mmsg.Close(fds...)
}

// Read calls heard for each answer that has arrived since the last call. It reports whether these
// were all answers: a flood may have displaced some.
func (a *Answers) Read(heard func(Sighting)) (all bool) {
	all = true
	for _, s := range a.sockets {
		all = s.read(heard) && all
	}
	return all
}

func (s *answerSocket) read(heard func(Sighting)) (all bool) {
	count := 0
	for count < maxRead {
		for i := range s.msgs {
			h := &s.msgs[i].Header
			if h.Name != nil {
				h.Namelen = unix.SizeofSockaddrLinklayer
			}
			if h.Control != nil {
				h.SetControllen(len(s.oob[i]))
			}
		}
		n, errno := mmsg.Receive(s.fd, s.msgs[:])
		if errno != 0 && errno != unix.EAGAIN { // such as ENETDOWN, which says nothing about the queued messages
			count++
			continue
		}
		for i := range n {
			if seen, ok := s.message(i); ok && seen.Answer {
				heard(seen)
			}
		}
		if count += n; n < len(s.msgs) {
			break
		}
	}
	return count < readAtOnce || count < maxRead && !s.dropped()
}

// message parses the i-th message.
func (s *answerSocket) message(i int) (Sighting, bool) {
	h := &s.msgs[i].Header
	data := s.data[i][:min(int(s.msgs[i].Len), len(s.data[i]))]
	if h.Name != nil {
		from := &unix.SockaddrLinklayer{Ifindex: int(s.names[i].Ifindex), Pkttype: s.names[i].Pkttype}
		return s.parse(data, from, control{})
	}
	return s.parse(data, &unix.SockaddrInet6{}, readControl(s.oob[i][:h.Controllen]))
}

// dropped reports whether messages did not fit into the buffer since the last call.
func (s *answerSocket) dropped() bool {
	const words, drops = 9, 8 // SK_MEMINFO_VARS, SK_MEMINFO_DROPS
	var info [words]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return true
	}
	before := s.drops
	s.drops = info[drops]
	return s.drops != before
}

// filterReplies makes a packet socket receive only ARP replies of other machines.
func filterReplies(fd int) error {
	const operation = 14 + 6
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: operation, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 2, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return errors.Join(unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program), bindARP(fd))
}
