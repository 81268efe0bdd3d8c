package addr

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Device is the link of an instance that has a virtual MAC: a macvlan on the
// link that carries its adverts, up only while the addresses are held.
type Device struct {
	Name string // where somebody else has it, the index of the link below is appended
	MAC  [6]byte
}

// Netdev is what the kernel says of a link.
type Netdev struct {
	Index, Below int // ifindex; that of the link below, 0 if none
	Name         string
	MAC          [6]byte
	Up           bool // administratively
	Ours         bool // a macvlan that bears our mark
}

// Make is a device to make.
type Make struct {
	Device
	Below int  // ifindex
	IPv6  bool // some address on it is IPv6
}

const (
	// deviceRetry is how long after a failure it is tried again.
	deviceRetry = time.Second
	// nameMax is the longest name of a link: IFNAMSIZ, less the zero byte.
	nameMax = 15
)

// device is a wanted device and what became of it.
type device struct {
	Device
	instance, below string
	handle          string // where its addresses stand, in the ledger
	ipv6            bool
	index           int    // 0: it is not there
	name            string // that it has, or had
	up              bool
	own             bool      // was made or taken over since the start
	retry           time.Time // not to be tried before
	trouble         string    // what was last told
}

// devices decide which macvlans there are to be. Like the ledger they follow
// what the kernel says; facts from the bus only say when to ask it.
type devices struct {
	all   []*device
	under map[string]int  // the links below, by name: ifindex, 0 if there is none
	other []Netdev        // of ours, and not wanted
	names map[string]bool // taken
	stale bool            // the kernel must be asked
	retry time.Time       // not to be asked before
}

// onDevice is where in the ledger the addresses of a set stand whose Interface
// is empty. No link can have such a name.
func onDevice(s *Set) string { return s.Link + "/" + s.Device.Name }

// settled is the set with every address on a link or a device.
func settled(s *Set) *Set {
	if s.Device == nil {
		return s
	}
	own := *s
	own.Addresses = slices.Clone(s.Addresses)
	for i := range own.Addresses {
		if own.Addresses[i].Interface == "" {
			own.Addresses[i].Interface = onDevice(s)
		}
	}
	return &own
}

func newDevices(sets []Set) *devices {
	d := &devices{under: make(map[string]int), stale: true}
	for _, s := range sets {
		if s.Device == nil {
			continue
		}
		is6 := func(a Address) bool { return a.Interface == "" && a.Prefix.Addr().Is6() }
		d.under[s.Link] = 0
		d.all = append(d.all, &device{
			Device: *s.Device, instance: s.Instance, below: s.Link, handle: onDevice(&s), name: s.Device.Name,
			ipv6: slices.ContainsFunc(s.Addresses, is6),
		})
	}
	return d
}

// observe takes a list of all links: the truth. It returns the devices that
// have come or gone since the last, or were set up or down by others.
func (d *devices) observe(all []Netdev) (changed []*device) {
	d.stale, d.other, d.names = false, nil, make(map[string]bool)
	for name := range d.under {
		d.under[name] = 0
	}
	for _, n := range all {
		d.names[n.Name] = true
		if _, ok := d.under[n.Name]; ok {
			d.under[n.Name] = n.Index
		}
	}
	found := make(map[*device]Netdev)
	for _, n := range all {
		if !n.Ours {
			continue
		}
		if v := d.of(n); v != nil && found[v].Index == 0 {
			found[v] = n
		} else {
			d.other = append(d.other, n)
		}
	}
	for _, v := range d.all {
		n := found[v]
		if n.Index != v.index || n.Up != v.up || n.Index != 0 && n.Name != v.name {
			changed = append(changed, v)
		}
		if v.index, v.up = n.Index, n.Up; v.index != 0 {
			v.name = n.Name
		}
	}
	return changed
}

// of is the wanted device that a link is.
func (d *devices) of(n Netdev) *device {
	for _, v := range d.all {
		if below := d.under[v.below]; below != 0 && below == n.Below && v.MAC == n.MAC {
			return v
		}
	}
	return nil
}

// hint takes a fact from the bus. It makes the devices stale where it says
// other than what is known: it may be old news, so that only the kernel can tell.
func (d *devices) hint(l event.Link) {
	if below, ok := d.under[l.Name]; ok && below != l.Index {
		d.doubt()
	}
	for _, v := range d.all {
		if l.Name == v.name && v.index != 0 && (l.Index != v.index || l.AdminUp != v.up) {
			d.doubt()
		}
	}
}

func (d *devices) doubt() { d.stale, d.retry = true, time.Time{} }

// missing lists what is to be made: where the link below is there.
func (d *devices) missing(now time.Time) (all []*device) {
	for _, v := range d.all {
		if v.index == 0 && d.under[v.below] != 0 && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// make says how to make a device: with a name that nobody has.
func (d *devices) make(v *device) Make {
	m := Make{Device: v.Device, Below: d.under[v.below], IPv6: v.ipv6}
	if d.names[m.Name] {
		m.Name = fmt.Sprintf("%s.%d", m.Name, m.Below)
		m.Name = m.Name[max(0, len(m.Name)-nameMax):]
	}
	return m
}

// turned lists the devices that are to be set up, or down: they are up while
// their instance is held.
func (d *devices) turned(now time.Time, up bool, held map[string]*holding) (all []*device) {
	for _, v := range d.all {
		if v.index != 0 && v.up != up && (held[v.instance] != nil) == up && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// deadline is when the devices must be looked at again if nothing happens.
func (d *devices) deadline(held map[string]*holding) (due time.Time, ok bool) {
	if d.stale {
		return d.retry, true
	}
	for _, v := range d.all {
		right := v.up == (held[v.instance] != nil)
		if v.index == 0 {
			right = d.under[v.below] == 0
		}
		if !right && (!ok || v.retry.Before(due)) {
			due, ok = v.retry, true
		}
	}
	return due, ok
}

// links are the names of those below.
func (d *devices) links() (names []string) {
	for name := range d.under {
		names = append(names, name)
	}
	return names
}

// fact is what the ledger is told of a device.
func (v *device) fact() event.Link {
	return event.Link{Name: v.name, Index: v.index, AdminUp: v.up, Usable: v.up, HardwareAddr: v.MAC}
}
