package lan

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// vrrpOnly passes protocol 112 over IPv4 and IPv6.
var vrrpOnly = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12}, // EtherType
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IP, Jf: 2},
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 23}, // protocol
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: vrrp, Jt: 3, Jf: 4},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IPV6, Jf: 3},
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 20}, // next header
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: vrrp, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// Sniffer records the adverts on a segment that reach the switch, which those sent into an
// unplugged cable do not.
type Sniffer struct {
	listener
	segment *Segment
	adverts record[Advert]
}

// Sniff starts a recording, which includes everything sent after Sniff returns. It ends with the
// Sniffer's Close or the LAN's.
func (s *Segment) Sniff() (*Sniffer, error) { return s.sniff(vrrpOnly) }

// SniffFrom is Sniff for the adverts of one station. The frames of all others, even a flood, cost
// nothing.
func (s *Segment) SniffFrom(mac MAC) (*Sniffer, error) {
	return s.sniff(append([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 6}, // Ethernet source
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: binary.BigEndian.Uint32(mac[:4]), Jf: 2},
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 10},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(binary.BigEndian.Uint16(mac[4:])), Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}, vrrpOnly...))
}

func (s *Segment) sniff(filter []unix.SockFilter) (*Sniffer, error) {
	socket, err := s.lan.sw.listen(s.index, filter)
	if err != nil {
		return nil, fmt.Errorf("sniff on segment %s: %w", s.name, err)
	}
	// Receive unicast adverts, too, which the bridge would only forward.
	if err := socket.promiscuous(s.index); err != nil {
		socket.close()
		return nil, fmt.Errorf("sniff on segment %s: %w", s.name, err)
	}
	sniffer := &Sniffer{listener: listener{socket: socket}, segment: s}
	sniffer.hear(sniffer.heard)
	s.lan.onClose(sniffer.cut)
	return sniffer, nil
}

func (s *Sniffer) heard(f frame) {
	if a, ok := parseAdvert(f.data); ok {
		a.At, a.Segment = f.at, s.segment.name
		a.Host = s.segment.lan.whose(a.MAC, a.Source)
		s.adverts.add(a)
	}
}

// Adverts returns the adverts received so far, in order.
func (s *Sniffer) Adverts() []Advert { return s.adverts.all() }

// WaitAdvert waits for an advert that matches, among those so far and those to come, and returns
// the first. To wait for a new one, compare Advert.At.
func (s *Sniffer) WaitAdvert(within time.Duration, match func(Advert) bool) (Advert, error) {
	a, seen, ok := s.adverts.wait(within, match)
	if !ok {
		return a, fmt.Errorf("segment %s: none of %d adverts in %s is the expected one", s.segment.name, seen, within)
	}
	return a, nil
}
