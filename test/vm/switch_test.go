package vm

import (
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lanSwitch is the segment of the guests' NICs: it forwards every frame from one port to the
// others. It records the senders of VRRP adverts, and the stations that answer its pings.
type lanSwitch struct {
	mu      sync.Mutex
	ports   []*os.File
	adverts []advert
	answers []answer
	readers sync.WaitGroup
}

// advert is a VRRP advert over IPv4 that passed the switch.
type advert struct {
	at       time.Time
	host     byte // the last byte of the source address
	priority byte
	mac      [6]byte // the source of the frame
}

// answer is an echo reply to the switch.
type answer struct {
	at   time.Time
	to   [6]byte
	host byte // the last byte of the source address
}

func newSwitch(t *testing.T) *lanSwitch {
	s := new(lanSwitch)
	t.Cleanup(s.close)
	return s
}

// port makes a port and returns the guest's end of its cable, a socket with one frame per datagram.
// The caller closes it when QEMU has it.
func (s *lanSwitch) port(t *testing.T) *os.File {
	t.Helper()
	ours, theirs := socketPair(t, syscall.SOCK_DGRAM)
	s.mu.Lock()
	s.ports = append(s.ports, ours)
	s.mu.Unlock()
	s.readers.Go(func() { s.forward(ours) })
	return theirs
}

func (s *lanSwitch) forward(from *os.File) {
	frame := make([]byte, 65536)
	for {
		n, err := from.Read(frame)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.remember(frame[:n])
		for _, to := range s.ports {
			if to != from { // a station that does not read loses the frame, as on a LAN
				_ = to.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
				_, _ = to.Write(frame[:n])
			}
		}
		s.mu.Unlock()
	}
}

// remember records frames with Ethernet, an optional VLAN tag, IPv4 without options, protocol 112,
// and type 1.
func (s *lanSwitch) remember(frame []byte) {
	if len(frame) > 16 && frame[12] == 0x81 && frame[13] == 0 {
		frame = frame[4:] // the MACs are not used
	}
	const ip, vrrp = 14, 34
	if len(frame) > vrrp+8 && frame[12] == 8 && frame[13] == 0 && frame[ip] == 0x45 && frame[ip+9] == 112 && frame[vrrp]&15 == 1 {
		s.adverts = append(s.adverts, advert{time.Now(), frame[ip+15], frame[vrrp+2], [6]byte(frame[6:])})
	}
	const icmp = vrrp
	if len(frame) >= icmp+8 && frame[12] == 8 && frame[13] == 0 && frame[ip] == 0x45 && frame[ip+9] == 1 && frame[icmp] == 0 {
		s.answers = append(s.answers, answer{time.Now(), [6]byte(frame[:]), frame[ip+15]})
	}
}

// send sends a frame to all ports.
func (s *lanSwitch) send(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, to := range s.ports {
		_ = to.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
		_, _ = to.Write(frame)
	}
}

// answered returns the echo replies that passed after an instant.
func (s *lanSwitch) answered(at time.Time) (list []answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.answers {
		if a.at.After(at) {
			list = append(list, a)
		}
	}
	return list
}

// since returns the adverts of a host that passed after an instant.
func (s *lanSwitch) since(host byte, at time.Time) []advert {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []advert
	for _, a := range s.adverts {
		if a.host == host && a.at.After(at) {
			list = append(list, a)
		}
	}
	return list
}

func (s *lanSwitch) close() {
	s.mu.Lock()
	for _, port := range s.ports {
		_ = port.Close()
	}
	s.mu.Unlock()
	s.readers.Wait()
}

// socketPair makes two connected Unix sockets; ours can be waited for and
// closed while somebody reads from it.
func socketPair(t *testing.T, kind int) (ours, theirs *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.SetNonblock(fds[0], true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
}
