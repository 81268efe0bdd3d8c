package macvlan

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/sysctl"
)

// LinuxKernel is the Kernel of the network namespace in which it was opened.
//
// The mode of its macvlans is VEPA. A private one would take every frame from its own MAC for its
// own, and the link below would not receive adverts of another Active of the same virtual router; a
// bridge would pass frames from one to the other.
type LinuxKernel struct {
	conn *rtnl.Conn
	// changed contains the original settings of links below, by index.
	changed map[int]earlier
	names   map[int]string    // by index, as last listed
	own     map[string]string // the own name of a link, by each alternative one
}

var _ Kernel = (*LinuxKernel)(nil)

// OpenKernel opens an rtnetlink socket.
func OpenKernel() (*LinuxKernel, error) {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		return nil, fmt.Errorf("opening the rtnetlink socket: %w", err)
	}
	return &LinuxKernel{conn: conn, changed: make(map[int]earlier), names: make(map[int]string), own: make(map[string]string)}, nil
}

// Close closes the socket.
func (k *LinuxKernel) Close() error { return k.conn.Close() }

// Links dumps all links. The alias of one that is ours also contains the original settings of the
// link below.
func (k *LinuxKernel) Links() ([]Link, error) {
	links, err := rtnl.Dump(k.conn, rtnl.ListLinks(), rtnl.DecodeLink)
	if err != nil {
		return nil, fmt.Errorf("listing links: %w", err)
	}
	clear(k.names)
	clear(k.own)
	var all []Link
	for _, l := range links {
		n, was := readLink(l)
		all = append(all, n)
		k.names[n.Index] = n.Name
		for _, name := range n.AltNames {
			k.own[name] = n.Name
		}
		switch {
		case n.Ours && n.On != 0:
			k.remember(n.On, was)
			if n.On != n.Below && n.NS == 0 {
				k.remember(n.Below, was.ofLowest())
			}
		case n.Ours && n.Below != 0 && n.NS == 0:
			k.remember(n.Below, was)
		}
	}
	return all, nil
}

// remember keeps the oldest values of the settings of a link below.
func (k *LinuxKernel) remember(below int, was earlier) {
	if k.changed[below] == nil {
		k.changed[below] = make(earlier)
	}
	for key, value := range was {
		if _, ok := k.changed[below][key]; !ok {
			k.changed[below][key] = value
		}
	}
}

// Make makes a macvlan, and then marks it and turns off its own link-local address: the kernel
// accepts neither in the request that makes it.
func (k *LinuxKernel) Make(s Shape) error {
	for _, below := range []int{s.Below, s.Lowest} {
		if below == 0 {
			continue
		}
		if err := k.learn(below); err != nil {
			return err
		}
	}
	data, err := newMacvlan(s)
	if err != nil {
		return err
	}
	if err := k.request(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data); err != nil {
		return fmt.Errorf("making a macvlan: %w", err)
	}
	made, err := k.conn.LinkByName(s.Name)
	if err != nil {
		return err
	}
	if err := k.Mend(made.Index, s); err != nil {
		return errors.Join(fmt.Errorf("marking a macvlan: %w", err), k.Remove(made.Index))
	}
	return nil
}

// Mend implements Kernel.
func (k *LinuxKernel) Mend(index int, s Shape) error {
	data, err := markMacvlan(index, s, k.changed[s.Below].with(k.changed[s.Lowest], s.Below).alias())
	if err != nil {
		return err
	}
	return k.request(unix.RTM_SETLINK, 0, data)
}

// learn records the settings of a link below that will be changed, unless their original values are
// known.
func (k *LinuxKernel) learn(below int) error {
	was := make(earlier)
	for _, s := range belowSettings {
		now, err := sysctl.Read(s.on(k.names[below]))
		if err != nil {
			return fmt.Errorf("reading the settings of %s: %w", k.names[below], err)
		}
		if !s.serves(now) {
			was[s.key] = now
		}
	}
	k.remember(below, was)
	return nil
}

func (k *LinuxKernel) request(kind uint16, flags netlink.HeaderFlags, data []byte) error {
	message := netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: flags}, Data: data}
	return errors.Join(k.conn.Batch([]netlink.Message{message})...)
}

// Remove removes a link.
func (k *LinuxKernel) Remove(index int) error {
	return k.request(unix.RTM_DELLINK, 0, linkHeader(index, 0, 0))
}

// SetUp changes all links in one batch.
func (k *LinuxKernel) SetUp(indexes []int, up bool) error {
	flags := uint32(0)
	if up {
		flags = unix.IFF_UP
	}
	messages := make([]netlink.Message, len(indexes))
	for i, index := range indexes {
		messages[i] = netlink.Message{Header: netlink.Header{Type: unix.RTM_SETLINK}, Data: linkHeader(index, flags, unix.IFF_UP)}
	}
	return rtnl.Distinct(k.conn.Batch(messages))
}

// ownName returns the own name of a link, under which its settings are found.
func (k *LinuxKernel) ownName(link string) string {
	if own, ok := k.own[link]; ok {
		return own
	}
	return link
}

// Tune writes the settings of a device and of the link below that differ.
func (k *LinuxKernel) Tune(below, device string, ipv6 bool, lower ...string) error {
	var errs []error
	below = k.ownName(below)
	write := func(key, value string) {
		switch now, err := sysctl.Read(key); {
		case errors.Is(err, fs.ErrNotExist): // no IPv6 here
		case err == nil && now == value:
		default:
			errs = append(errs, sysctl.Write(key, value))
		}
	}
	for _, s := range deviceSettings(ipv6, sysctl.Read) {
		write(s.on(device), s.value)
	}
	for _, key := range inherited {
		s := setting{key: key}
		if now, err := sysctl.Read(s.on(below)); err == nil {
			write(s.on(device), now)
		}
	}
	for _, link := range append(lower, below) {
		for _, s := range belowSettings {
			if now, err := sysctl.Read(s.on(link)); err != nil || !s.serves(now) {
				write(s.on(link), s.value)
			}
		}
	}
	return errors.Join(errs...)
}

// Restore restores only settings that are still as Tune left them.
func (k *LinuxKernel) Restore(keep []string) error {
	var errs []error
	for index, was := range k.changed {
		link, there := k.names[index]
		if slices.ContainsFunc(keep, func(name string) bool { return k.ownName(name) == link }) {
			continue
		}
		delete(k.changed, index)
		if !there {
			continue
		}
		for _, s := range belowSettings {
			value, ok := was[s.key]
			if now, err := sysctl.Read(s.on(link)); ok && err == nil && now == s.value {
				errs = append(errs, sysctl.Write(s.on(link), value))
			}
		}
	}
	return errors.Join(errs...)
}
