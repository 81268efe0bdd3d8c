package vm

import (
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lanSwitch is the segment that the guests' NICs are on: every frame that comes
// in at one port goes out at the others. It remembers who sent VRRP adverts, and who
// answered its pings.
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
	host     byte // the last byte of its source address
	priority byte
	mac      [6]byte // the frame's source
}

// answer is an echo reply to the switch.
type answer struct {
	at   time.Time
	to   [6]byte
	host byte // the last byte of its source address
}

func newSwitch(t *testing.T) *lanSwitch {
	s := new(lanSwitch)
	t.Cleanup(s.close)
	return s
}

// port makes a port and returns the guest's end of its cable, a socket with one
// frame a datagram. The caller closes it when QEMU has it.
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
			if to != from { // who does not read loses the frame, as on a LAN
				_ = to.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
				_, _ = to.Write(frame[:n])
			}
		}
		s.mu.Unlock()
	}
}

// remember looks for Ethernet, perhaps with a VLAN tag, IPv4 without options,
// protocol 112, type 1.
func (s *lanSwitch) remember(frame []byte) {
	if len(frame) > 16 && frame[12] == 0x81 && frame[13] == 0 {
		frame = frame[4:] // the MACs are not looked at
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

// since gives the adverts of a host that passed after an instant.
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
