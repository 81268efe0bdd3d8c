package addr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
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
	names   map[int]string    // by index, as last listed
	own     map[string]string // the own name of a link by each alternative one
}

var _ Devices = (*LinuxDevices)(nil)

// OpenDevices opens an rtnetlink socket.
func OpenDevices() (*LinuxDevices, error) {
	kernel, err := openNetlink(rtnl.Config{})
	if err != nil {
		return nil, err
	}
	return &LinuxDevices{kernel: kernel, changed: make(map[int]earlier), names: make(map[int]string), own: make(map[string]string)}, nil
}

// Close closes the socket.
func (d *LinuxDevices) Close() error { return d.kernel.Close() }

// Links dumps all links. What is ours tells besides what settings the link
// below had.
func (d *LinuxDevices) Links() ([]Netdev, error) {
	links, err := rtnl.Dump(d.kernel.conn, rtnl.ListLinks(), rtnl.DecodeLink)
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	clear(d.names)
	clear(d.own)
	var all []Netdev
	for _, l := range links {
		n, was := netdev(l)
		all = append(all, n)
		d.names[n.Index] = n.Name
		for _, name := range n.AltNames {
			d.own[name] = n.Name
		}
		switch {
		case n.Ours && n.On != 0:
			d.remember(n.On, was)
			if n.On != n.Below && n.NS == 0 {
				d.remember(n.Below, was.ofLowest())
			}
		case n.Ours && n.Below != 0 && n.NS == 0:
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
	for _, below := range []int{m.Below, m.Lowest} {
		if below == 0 {
			continue
		}
		if err := d.learn(below); err != nil {
			return err
		}
	}
	data, err := newMacvlan(m)
	if err != nil {
		return err
	}
	if err := d.request(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data); err != nil {
		return fmt.Errorf("making a macvlan: %w", err)
	}
	made, err := d.kernel.conn.LinkByName(m.Name)
	if err != nil {
		return err
	}
	if err := d.Mend(made.Index, m); err != nil {
		return errors.Join(fmt.Errorf("marking a macvlan: %w", err), d.Remove(made.Index))
	}
	return nil
}

// Mend is part of Devices.
func (d *LinuxDevices) Mend(index int, m Make) error {
	data, err := markMacvlan(index, m, d.changed[m.Below].with(d.changed[m.Lowest], m.Below).alias())
	if err != nil {
		return err
	}
	return d.request(unix.RTM_SETLINK, 0, data)
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

func (d *LinuxDevices) request(kind uint16, flags netlink.HeaderFlags, data []byte) error {
	message := netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: flags}, Data: data}
	return errors.Join(d.kernel.conn.Batch([]netlink.Message{message})...)
}

// Remove removes a link.
func (d *LinuxDevices) Remove(index int) error {
	return d.request(unix.RTM_DELLINK, 0, linkHeader(index, 0, 0))
}

// SetUp turns all in one batch.
func (d *LinuxDevices) SetUp(indexes []int, up bool) error {
	flags := uint32(0)
	if up {
		flags = unix.IFF_UP
	}
	messages := make([]netlink.Message, len(indexes))
	for i, index := range indexes {
		messages[i] = netlink.Message{Header: netlink.Header{Type: unix.RTM_SETLINK}, Data: linkHeader(index, flags, unix.IFF_UP)}
	}
	return distinctErrors(d.kernel.conn.Batch(messages))
}

// ownName returns the own name of a link, under which its settings stand.
func (d *LinuxDevices) ownName(link string) string {
	if own, ok := d.own[link]; ok {
		return own
	}
	return link
}

// Tune writes the settings of a device and of the link below that are not what
// they should be.
func (d *LinuxDevices) Tune(below, device string, ipv6 bool, lower ...string) error {
	var errs []error
	below = d.ownName(below)
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
	for _, link := range append(lower, below) {
		for _, s := range belowSettings {
			if now, err := readSysctl(s.on(link)); err != nil || !s.serves(now) {
				write(s.on(link), s.value)
			}
		}
	}
	return errors.Join(errs...)
}

// Restore writes back only what is still as Tune left it.
func (d *LinuxDevices) Restore(keep []string) error {
	var errs []error
	for index, was := range d.changed {
		link, there := d.names[index]
		if slices.ContainsFunc(keep, func(name string) bool { return d.ownName(name) == link }) {
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

// ReadSetting reads a setting of the kernel, below net.
func ReadSetting(key string) (string, error) { return readSysctl(key) }

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
