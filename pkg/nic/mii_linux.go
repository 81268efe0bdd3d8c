package nic

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are ioctls of linux/sockios.h that golang.org/x/sys/unix does not name.
const (
	siocgmiiphy = 0x8947
	siocgmiireg = 0x8948
)

// errSilent reports that no transceiver drives the bus.
var errSilent = errors.New("the transceiver does not answer: every bit reads as 1")

// miiRequest is struct ifreq with struct mii_ioctl_data, or with ifr_ifindex in the place of phy
// and register.
type miiRequest struct {
	name     [unix.IFNAMSIZ]byte
	phy      uint16
	register uint16
	in, out  uint16
	_        [16]byte
}

// setIndex writes ifr_ifindex.
func (r *miiRequest) setIndex(index int) { *(*int32)(unsafe.Pointer(&r.phy)) = int32(index) }

// MII asks the transceivers of NICs for their registers, by ifindex. Each answer may take as long
// as another process holds RTNL, and asking needs CAP_NET_ADMIN. An error means that the state is
// unknown: neither up nor down. An MII belongs to one goroutine; once open, it allocates nothing.
type MII struct {
	fd      int
	request miiRequest
	ioctl   func(fd int, request uint, arg *miiRequest) error
}

// OpenMII opens the socket of an MII; Close it.
func OpenMII() (*MII, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket to ask for MII registers: %w", err)
	}
	return &MII{fd: fd, ioctl: ioctl}, nil
}

func ioctl(fd int, request uint, arg *miiRequest) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(arg))); errno != 0 {
		return errno
	}
	return nil
}

// Close frees the socket.
func (m *MII) Close() error { return unix.Close(m.fd) }

// Present returns the address of the NIC's transceiver on its management bus. The error gives
// the reason why none can be asked.
func (m *MII) Present(index int) (phy uint8, err error) {
	m.request = miiRequest{}
	m.request.setIndex(index)
	if err := m.ioctl(m.fd, unix.SIOCGIFNAME, &m.request); err != nil {
		return 0, fmt.Errorf("SIOCGIFNAME: %w", err)
	}
	m.request.phy, m.request.register = 0, 0
	if err := m.ioctl(m.fd, siocgmiiphy, &m.request); err != nil {
		return 0, fmt.Errorf("SIOCGMIIPHY: %w", err)
	}
	return uint8(m.request.phy), nil
}

// read reads a register of the transceiver that Present found last.
func (m *MII) read(register uint16) (uint16, error) {
	m.request.register, m.request.in, m.request.out = register, 0, 0
	if err := m.ioctl(m.fd, siocgmiireg, &m.request); err != nil {
		return 0, fmt.Errorf("SIOCGMIIREG %d: %w", register, err)
	}
	return m.request.out, nil
}

// Status reads the status register twice.
func (m *MII) Status(index int) (MIIStatus, error) {
	if _, err := m.Present(index); err != nil {
		return MIIStatus{}, err
	}
	s, _, err := m.status()
	return s, err
}

// status also returns the second reading.
func (m *MII) status() (MIIStatus, uint16, error) {
	first, err := m.read(regBMSR)
	if err != nil {
		return MIIStatus{}, 0, err
	}
	second, err := m.read(regBMSR)
	if err != nil {
		return MIIStatus{}, 0, err
	}
	s, known := statusOf(first, second)
	if !known {
		return MIIStatus{}, 0, errSilent
	}
	return s, second, nil
}

// Probe reads all registers that describe the transceiver.
func (m *MII) Probe(index int) (Transceiver, error) {
	phy, err := m.Present(index)
	if err != nil {
		return Transceiver{}, err
	}
	x := Transceiver{PHY: phy}
	if x.Status, x.BMSR, err = m.status(); err != nil {
		return Transceiver{}, err
	}
	var high, low uint16
	for _, r := range []struct {
		register uint16
		into     *uint16
	}{{regBMCR, &x.BMCR}, {regID1, &high}, {regID2, &low}, {regAdvertise, &x.Advertised}, {regPartner, &x.Partner}} {
		if *r.into, err = m.read(r.register); err != nil {
			return Transceiver{}, err
		}
	}
	x.ID = uint32(high)<<16 | uint32(low)
	return x, nil
}
