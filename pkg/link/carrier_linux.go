package link

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// driver asks the drivers of links. It belongs to one goroutine, opens what it
// needs when it needs it, and allocates nothing where ETHTOOL_GLINK works.
//
// From Linux 6.8 on, either question makes the kernel announce at once what
// it was about to announce late.
type driver struct {
	fd      int // an AF_INET socket for the ioctl; 0: not open
	request ifreqData
	value   ethtoolValue
	routes  *rtnl.Conn
	mii     *MII
	ethtool *ethtool
	without map[uint64]bool // by birth: the driver has no ETHTOOL_GLINK
}

// ifreqData is struct ifreq with ifr_data.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ cmd, data uint32 }

// asker implements kernel.
func (*linux) asker() asker { return &driver{} }

// manyWithout is how many links without ETHTOOL_GLINK are remembered at most.
const manyWithout = 1024

// carrier implements asker.
func (a *driver) carrier(t Target) (up, known, glink bool) {
	if !a.without[t.Birth] {
		up, err := a.glink(t.Name)
		if err != unix.EOPNOTSUPP {
			return up, err == nil, err == nil
		}
		if len(a.without) >= manyWithout { // of links that are gone: those that are there say so again
			a.without = nil
		}
		if a.without == nil {
			a.without = make(map[uint64]bool)
		}
		a.without[t.Birth] = true
	}
	up, err := a.getlink(t.Index)
	return up, err == nil, false
}

// present implements asker.
func (a *driver) present(t Target) error {
	if err := a.openMII(); err != nil {
		return err
	}
	_, err := a.mii.Present(t.Index)
	return err
}

// beat implements asker.
func (a *driver) beat(t Target) (Beat, error) {
	if err := a.openMII(); err != nil {
		return Beat{}, err
	}
	return a.mii.LinkBeat(t.Index)
}

func (a *driver) openMII() (err error) {
	if a.mii == nil {
		a.mii, err = OpenMII()
	}
	return err
}

// close implements asker.
func (a *driver) close() {
	if a.fd != 0 {
		unix.Close(a.fd)
	}
	if a.routes != nil {
		a.routes.Close()
	}
	if a.mii != nil {
		a.mii.Close()
	}
	if a.ethtool != nil {
		a.ethtool.close()
	}
	*a = driver{}
}

// glink asks the driver. It may block while others hold RTNL.
func (a *driver) glink(name string) (up bool, err error) {
	if err := a.open(); err != nil {
		return false, err
	}
	clear(a.request.name[:])
	copy(a.request.name[:len(a.request.name)-1], name)
	a.value = ethtoolValue{cmd: unix.ETHTOOL_GLINK}
	a.request.data = unsafe.Pointer(&a.value)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(a.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&a.request)))
	if errno != 0 {
		return false, errno
	}
	return a.value.data != 0, nil
}

// open opens the socket for the ioctl.
func (a *driver) open() error {
	if a.fd != 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		a.fd = fd
	}
	return err
}

// getlink asks the kernel for the link's description.
func (a *driver) getlink(index int) (up bool, err error) {
	if a.routes == nil {
		a.routes, err = rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE, Patience: answerWithin})
		if err != nil {
			return false, err
		}
	}
	l, err := a.routes.LinkByIndex(index)
	return err == nil && l.Flags&unix.IFF_LOWER_UP != 0, err
}
