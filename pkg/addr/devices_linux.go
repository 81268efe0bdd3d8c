package addr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// LinuxDevices are the macvlans of the network namespace they were opened in.
//
// Their mode is VEPA. A private one would take every frame that comes from its
// own MAC for its own, and the link below would not hear another Active of the
// same virtual router; a bridge would hand frames from one to the other.
type LinuxDevices struct {
	kernel *netlinkKernel
	// changed are the links below whose settings were changed, by index.
	changed map[int]earlier
	names   map[int]string // by index, as last listed
}

var _ Devices = (*LinuxDevices)(nil)

// OpenDevices opens an rtnetlink socket.
func OpenDevices() (*LinuxDevices, error) {
	kernel, err := openNetlink()
	if err != nil {
		return nil, err
	}
	return &LinuxDevices{kernel: kernel, changed: make(map[int]earlier), names: make(map[int]string)}, nil
}

// Close closes the socket.
func (d *LinuxDevices) Close() error { return d.kernel.Close() }

// Links dumps all links. What is ours tells besides what settings the link
// below had.
func (d *LinuxDevices) Links() ([]Netdev, error) {
	if err := d.kernel.deadline(); err != nil {
		return nil, err
	}
	answers, err := d.kernel.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, unix.SizeofIfInfomsg),
	})
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	clear(d.names)
	var all []Netdev
	for _, a := range answers {
		if a.Header.Flags&netlink.DumpInterrupted != 0 {
			return nil, errors.New("listing links: they changed meanwhile")
		}
		n, was, err := parseNetdev(a.Data)
		if err != nil {
			return nil, fmt.Errorf("listing links: %w", err)
		}
		all = append(all, n)
		d.names[n.Index] = n.Name
		if n.Ours && n.Below != 0 {
			d.remember(n.Below, was)
		}
	}
	return all, nil
}

// remember keeps the oldest word on the settings of a link below.
func (d *LinuxDevices) remember(below int, was earlier) {
	if d.changed[below] == nil {
		d.changed[below] = make(earlier)
	}
	for key, value := range was {
		if _, ok := d.changed[below][key]; !ok {
			d.changed[below][key] = value
		}
	}
}

// Make makes a macvlan and then marks it: the kernel does not take the mark, nor
// that it is to have no link-local address of its own, when it makes one.
func (d *LinuxDevices) Make(m Make) error {
	if err := d.learn(m.Below); err != nil {
		return err
	}
	data, err := newMacvlan(m)
	if err != nil {
		return err
	}
	if err := d.request(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data); err != nil {
		return fmt.Errorf("making a macvlan: %w", err)
	}
	index, err := d.index(m.Name)
	if err != nil {
		return err
	}
	data, err = markMacvlan(index, m, d.changed[m.Below].alias())
	if err == nil {
		err = d.request(unix.RTM_SETLINK, 0, data)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("marking a macvlan: %w", err), d.Remove(index))
	}
	return nil
}

// learn notes what settings a link below has that will be changed, unless that
// is known from before they were.
func (d *LinuxDevices) learn(below int) error {
	was := make(earlier)
	for _, s := range belowSettings {
		now, err := readSysctl(s.on(d.names[below]))
		if err != nil {
			return fmt.Errorf("reading the settings of %s: %w", d.names[below], err)
		}
		if !s.serves(now) {
			was[s.key] = now
		}
	}
	d.remember(below, was)
	return nil
}

// index asks for a link by its name.
func (d *LinuxDevices) index(name string) (int, error) {
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.IFLA_IFNAME, name)
	tail, err := ae.Encode()
	if err != nil {
		return 0, fmt.Errorf("asking for the link %s: %w", name, err)
	}
	if err := d.kernel.deadline(); err != nil {
		return 0, err
	}
	answers, err := d.kernel.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request},
		Data:   append(make([]byte, unix.SizeofIfInfomsg), tail...),
	})
	if err != nil || len(answers) == 0 || len(answers[0].Data) < unix.SizeofIfInfomsg {
		return 0, fmt.Errorf("asking for the link %s: %w", name, err)
	}
	return int(int32(binary.NativeEndian.Uint32(answers[0].Data[4:]))), nil
}

func (d *LinuxDevices) request(kind uint16, flags netlink.HeaderFlags, data []byte) error {
	message := netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.Request | flags}, Data: data}
	return errors.Join(d.kernel.batch([]netlink.Message{message})...)
}

// Remove removes a link.
func (d *LinuxDevices) Remove(index int) error {
	return d.request(unix.RTM_DELLINK, 0, linkHeader(index, 0, 0))
}

// SetUp turns with one system call.
func (d *LinuxDevices) SetUp(indexes []int, up bool) error {
	flags := uint32(0)
	if up {
		flags = unix.IFF_UP
	}
	var errs []error
	for part := range slices.Chunk(indexes, batchMax) {
		var messages []netlink.Message
		for _, index := range part {
			messages = append(messages, netlink.Message{
				Header: netlink.Header{Type: unix.RTM_SETLINK, Flags: netlink.Request},
				Data:   linkHeader(index, flags, unix.IFF_UP),
			})
		}
		errs = append(errs, d.kernel.batch(messages)...)
	}
	return errors.Join(errs...)
}

// Tune writes the settings of a device and of the link below that are not what
// they should be.
func (d *LinuxDevices) Tune(below, device string, ipv6 bool) error {
	var errs []error
	write := func(key, value string) {
		switch now, err := readSysctl(key); {
		case errors.Is(err, fs.ErrNotExist): // no IPv6 here
		case err == nil && now == value:
		default:
			errs = append(errs, writeSysctl(key, value))
		}
	}
	for _, s := range deviceSettings(ipv6, readSysctl) {
		write(s.on(device), s.value)
	}
	for _, key := range inherited {
		s := setting{key: key}
		if now, err := readSysctl(s.on(below)); err == nil {
			write(s.on(device), now)
		}
	}
	for _, s := range belowSettings {
		if now, err := readSysctl(s.on(below)); err != nil || !s.serves(now) {
			write(s.on(below), s.value)
		}
	}
	return errors.Join(errs...)
}

// Restore writes back only what is still as Tune left it.
func (d *LinuxDevices) Restore(keep []string) error {
	var errs []error
	for index, was := range d.changed {
		link, there := d.names[index]
		if slices.Contains(keep, link) {
			continue
		}
		delete(d.changed, index)
		if !there {
			continue
		}
		for _, s := range belowSettings {
			value, ok := was[s.key]
			if now, err := readSysctl(s.on(link)); ok && err == nil && now == s.value {
				errs = append(errs, writeSysctl(s.on(link), value))
			}
		}
	}
	return errors.Join(errs...)
}

// netSysctls is where the settings of the caller's namespace are.
const netSysctls = "/proc/sys/net/"

func readSysctl(key string) (string, error) {
	text, err := os.ReadFile(netSysctls + key)
	return strings.TrimSpace(string(text)), err
}

func writeSysctl(key, value string) error {
	if err := os.WriteFile(netSysctls+key, []byte(value), 0); err != nil {
		return fmt.Errorf("setting net/%s to %s: %w: set it yourself if /proc/sys is read-only here", key, value, err)
	}
	return nil
}
