package netns

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Tap is a device whose carrier the test sets. The kernel treats it as a NIC: it announces the loss
// of its carrier as late as that of a real one. It exists until Close.
type Tap struct {
	name string
	file *os.File
}

// NewTap makes a tap that is down.
func NewTap(name string) (*Tap, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the tap %s: open /dev/net/tun: %w", name, err)
	}
	tap := &Tap{name, os.NewFile(uintptr(fd), name)}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = tap.Close()
		return nil, fmt.Errorf("make the tap %s: %w", name, err)
	}
	return tap, nil
}

// SetCarrier plugs or pulls the tap's cable.
func (t *Tap) SetCarrier(on bool) error {
	value := 0
	if on {
		value = 1
	}
	if err := unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TUNSETCARRIER, value); err != nil {
		return fmt.Errorf("set the carrier of the tap %s: %w", t.name, err)
	}
	return nil
}

// Close removes the device.
func (t *Tap) Close() error { return t.file.Close() }
