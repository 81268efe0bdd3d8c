package nic

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/wakeup"
)

// driver asks the drivers of NICs by ioctl. The zero value is ready for use.
type driver struct {
	fd    int // an AF_INET socket; 0: not open
	asked glink
	// watched are what the system calls of questions point to.
	watched []glink
}

// glink is what the kernel reads and writes for ETHTOOL_GLINK.
type glink struct {
	request ifreqData
	value   ethtoolValue
}

// ifreqData is struct ifreq with ifr_data.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ cmd, data uint32 }

func (d *driver) close() {
	if d.fd != 0 {
		unix.Close(d.fd)
	}
}

// open opens the socket.
func (d *driver) open() error {
	if d.fd != 0 {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		d.fd = fd
	}
	return err
}

// glink asks for the carrier by ETHTOOL_GLINK. It may block while other processes hold RTNL.
func (d *driver) glink(name string) (up bool, err error) {
	if err := d.open(); err != nil {
		return false, err
	}
	args := d.asked.of(name).args(d.fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, args[0], args[1], args[2]); errno != 0 {
		return false, errno
	}
	return d.asked.value.data != 0, nil
}

// questions returns the system calls by which devices are asked for their carrier. They hold until
// the next call of questions, or close.
func (d *driver) questions(devices []Device) []wakeup.Question {
	if d.open() != nil {
		return nil
	}
	d.watched = make([]glink, len(devices))
	list := make([]wakeup.Question, len(devices))
	for i := range devices {
		g := d.watched[i].of(devices[i].Name)
		list[i] = wakeup.Question{Call: unix.SYS_IOCTL, Args: g.args(d.fd), Holds: &g.value.data}
	}
	return list
}

// of prepares a question about a device.
func (g *glink) of(name string) *glink {
	clear(g.request.name[:])
	copy(g.request.name[:len(g.request.name)-1], name)
	g.value = ethtoolValue{cmd: unix.ETHTOOL_GLINK}
	g.request.data = unsafe.Pointer(&g.value)
	return g
}

// args returns the arguments of the system call.
func (g *glink) args(fd int) [3]uintptr {
	return [...]uintptr{uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&g.request))}
}

// info returns the driver's name and the address of its device on the bus; both are empty if the
// driver does not report them.
func (d *driver) info(name string) (driver, bus string) {
	if d.open() != nil {
		return "", ""
	}
	info, err := unix.IoctlGetEthtoolDrvinfo(d.fd, name)
	if err != nil {
		return "", ""
	}
	return unix.ByteSliceToString(info.Driver[:]), unix.ByteSliceToString(info.Bus_info[:])
}

// alwaysUp returns why the driver reports a carrier at all times; empty if no reason is known. The
// only such driver known is virtio's if the host does not offer VIRTIO_NET_F_STATUS (virtio 1.2
// §5.1.3). The negotiated features are below /sys/bus, which unlike /sys/class/net is the same in
// every namespace.
func (d *driver) alwaysUp(device string) string {
	name, bus := d.info(device)
	if name != "virtio_net" || bus == "" {
		return ""
	}
	files, _ := filepath.Glob("/sys/bus/*/devices/" + filepath.Base(bus) + "/virtio*/features")
	if len(files) == 0 {
		return ""
	}
	features, err := os.ReadFile(files[0])
	if err != nil || hasStatus(features) {
		return ""
	}
	return "the host does not report the link to the NIC (virtio without VIRTIO_NET_F_STATUS)"
}

// hasStatus reports whether VIRTIO_NET_F_STATUS is in a list of features, which has a 0 or 1 for
// each feature from the first on. A list that is too short does not deny it.
func hasStatus(features []byte) bool {
	const status = 16 // VIRTIO_NET_F_STATUS
	return len(features) <= status || features[status] != '0'
}
