package addr

import (
	"fmt"
	"maps"
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
	Index int    // ifindex
	Below int    // ifindex of the link below, 0 if none
	NS    int    // the id of the namespace in which that is, plus one; 0: here
	On    int    // for a device of ours, ifindex of the link that it was made for, as its alias says; 0: Below
	Kind  string // IFLA_INFO_KIND
	Name  string
	// AltNames are its alternative names, as good as its own to find it.
	AltNames []string
	MAC      [6]byte
	MTU      int
	// Master is the ifindex of the VRF, bridge or bond that the link is a port of; 0 if none.
	Master int
	Up     bool // administratively
	Ours   bool // a macvlan that bears our mark
	// Shared tells that it is a macvlan in a mode in which links bear one MAC, as
	// ripcord and keepalived make them: private or VEPA.
	Shared bool
}

// Make is a device to make.
type Make struct {
	Device
	Below  int  // ifindex
	Lowest int  // ifindex of the link below that one, where the device hangs if that is a macvlan; 0 if it is not, or not here
	MTU    int  // that of the link below; 0: not known
	Master int  // ifindex of the VRF that the link below is in, 0 if none
	IPv6   bool // some address on it is IPv6
}

const (
	// deviceRetry is how long after a failure it is tried again.
	deviceRetry = time.Second
	// devicesAudit is how often the kernel is asked for all links though nothing was
	// heard: of an alias, a VRF, another link with the same MAC no fact tells.
	devicesAudit = 5 * time.Second
	// minMTU6 is IPv6's least MTU: below it the kernel keeps no IPv6 on a link.
	minMTU6 = 1280
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
	mtu             int
	up              bool
	own             bool      // was made or taken over since the start
	retry           time.Time // not to be tried before
	trouble         string    // what was last told
	mistuned        bool      // settings that it needs could not be written
	vanished        int       // how often in a row it was made and did not appear

	wrong  []string  // what of it differs from what it should be
	mended time.Time // when that was last put right
	worn   bool      // it has lost its IPv6 settings: to be made anew
	rivals []Netdev  // other links, up, that bear its MAC where it would
	fault  string    // the conflict last reported; empty if none
}

// devices decide which macvlans there are to be. Like the ledger they follow
// what the kernel says; facts from the bus only say when to ask it.
type devices struct {
	all     []*device
	under   map[string]Netdev // the links below, by name: without an index if there is none
	other   []Netdev          // of ours, and not wanted
	lowest  map[string]Netdev // by the name of a link below that is a macvlan: the link below it, if that is here
	made    map[int]*device   // by index: what this run made or took over
	names   map[string]bool   // taken
	stale   bool              // the kernel must be asked
	retry   time.Time         // not to be asked before
	audited time.Time         // when it was last asked
	looked  bool              // it was, and conflicts were not resolved since
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
	d := &devices{under: make(map[string]Netdev), made: make(map[int]*device), stale: true}
	for _, s := range sets {
		if s.Device == nil {
			continue
		}
		is6 := func(a Address) bool { return a.Interface == "" && a.Prefix.Addr().Is6() }
		d.under[s.Link] = Netdev{}
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
	d.stale, d.looked, d.other, d.names = false, true, nil, make(map[string]bool)
	for name := range d.under {
		d.under[name] = Netdev{}
	}
	vrf, there := make(map[int]bool), make(map[int]bool)
	for _, n := range all {
		there[n.Index] = true
		for _, name := range append(slices.Clone(n.AltNames), n.Name) {
			d.names[name] = true
			if _, ok := d.under[name]; ok {
				d.under[name] = n
			}
		}
		vrf[n.Index] = n.Kind == "vrf"
	}
	for name, below := range d.under { // only a VRF takes what stands on its port along
		if !vrf[below.Master] {
			below.Master = 0
			d.under[name] = below
		}
	}
	d.lowest = make(map[string]Netdev)
	for name, below := range d.under {
		for _, n := range all {
			if isMacvlan(below) && below.NS == 0 && n.Index == below.Below {
				d.lowest[name] = n
			}
		}
	}
	maps.DeleteFunc(d.made, func(index int, _ *device) bool { return !there[index] })
	found := d.recognise(all)
	for _, v := range d.all {
		n := found[v]
		if n.Index != v.index || n.Up != v.up || n.Index != 0 && n.Name != v.name {
			changed = append(changed, v)
		}
		v.index, v.up, v.mtu = n.Index, n.Up, n.MTU
		v.wrong, v.worn = nil, false
		if v.index == 0 {
			continue
		}
		d.made[v.index], v.name, v.vanished = v, n.Name, 0
		v.compare(n, d.under[v.below])
	}
	return changed
}

// recognise finds the link that each wanted device is, notes the rivals of each,
// and what of ours is not wanted.
func (d *devices) recognise(all []Netdev) map[*device]Netdev {
	found := make(map[*device]Netdev)
	for _, v := range d.all {
		v.rivals = nil
		// What this run made is known by its index, whatever became of its alias.
		for _, n := range all {
			if n.Index != 0 && n.Index == v.index && d.made[n.Index] == v && v.could(n, d.under[v.below]) {
				found[v] = n
			}
		}
	}
	taken := make(map[int]bool)
	for _, n := range found {
		taken[n.Index] = true
	}
	for _, n := range all {
		if !n.Ours || taken[n.Index] {
			continue
		}
		if v := d.of(n); v != nil && found[v].Index == 0 {
			found[v], taken[n.Index] = n, true
		} else {
			d.other = append(d.other, n)
		}
	}
	for _, v := range d.all {
		for _, n := range all {
			unwanted := slices.ContainsFunc(d.other, func(o Netdev) bool { return o.Index == n.Index })
			if n.Up && n.Index != found[v].Index && !unwanted && v.rivalled(n, d.under[v.below]) {
				v.rivals = append(v.rivals, n)
			}
		}
	}
	return found
}

// could reports whether a link is a macvlan with the device's MAC where the device
// is to be: on the link below or, as the kernel hangs a macvlan on a macvlan on
// the lowest link, beside it.
func (v *device) could(n, below Netdev) bool {
	if below.Index == 0 || n.MAC != v.MAC || n.Kind != "" && !isMacvlan(n) {
		return false
	}
	return n.Below == below.Index && n.NS == 0 || isMacvlan(below) && n.Below == below.Below && n.NS == below.NS
}

// rivalled reports whether a link keeps the device from being set up, if it is up
// itself: the kernel gives each MAC to one link on a lower link, that one included.
func (v *device) rivalled(n, below Netdev) bool {
	return n.MAC == v.MAC && below.Index != 0 && (n.Index == below.Index || isMacvlan(n) && v.could(n, below))
}

func isMacvlan(n Netdev) bool { return n.Kind == "macvlan" || n.Kind == "macvtap" }

// of is the wanted device that a link of ours is.
func (d *devices) of(n Netdev) *device {
	for _, v := range d.all {
		below := d.under[v.below]
		if v.could(n, below) && (n.On == 0 || n.On == below.Index) {
			return v
		}
	}
	return nil
}

// compare notes what of a device is not as it should be.
func (v *device) compare(n, below Netdev) {
	if !n.Ours {
		v.wrong = append(v.wrong, "its alias")
	}
	if below.MTU != 0 && n.MTU != below.MTU {
		v.wrong = append(v.wrong, fmt.Sprintf("its MTU, %d, to %d", n.MTU, below.MTU))
		// The kernel has dropped the IPv6 settings of a link of less.
		v.worn = v.ipv6 && n.MTU < minMTU6 && below.MTU >= minMTU6
	}
	if n.Master != below.Master {
		v.wrong = append(v.wrong, "the VRF it is in")
	}
}

// hint takes a fact from the bus. It makes the devices stale where it says
// other than what is known: it may be old news, so that only the kernel can tell.
func (d *devices) hint(l event.Link) {
	if below, ok := d.under[l.Name]; ok && (below.Index != l.Index || l.MTU != 0 && l.MTU != below.MTU) {
		d.doubt()
	}
	for _, v := range d.all {
		if l.Name == v.name && v.index != 0 && (l.Index != v.index || l.AdminUp != v.up || l.MTU != 0 && l.MTU != v.mtu) {
			d.doubt()
		}
	}
}

// audit makes the devices stale if the kernel was not asked for long.
func (d *devices) audit(now time.Time) {
	if due, ok := d.nextAudit(); ok && !now.Before(due) {
		d.stale = true
	}
}

func (d *devices) nextAudit() (time.Time, bool) { return d.audited.Add(devicesAudit), len(d.all) > 0 }

// vanishing reports whether a link is what became of a device that was made, and
// did not appear where it should be.
func (d *devices) vanishing(n Netdev) bool {
	return slices.ContainsFunc(d.all, func(v *device) bool { return v.vanished > 0 && v.MAC == n.MAC })
}

func (d *devices) doubt() { d.stale, d.retry = true, time.Time{} }

// missing lists what is to be made: where the link below is there.
func (d *devices) missing(now time.Time) (all []*device) {
	for _, v := range d.all {
		if v.index == 0 && d.under[v.below].Index != 0 && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// make says how to make a device: with a name that nobody has.
func (d *devices) make(v *device) Make {
	m := d.shape(v)
	if d.names[m.Name] {
		m.Name = fmt.Sprintf("%s.%d", m.Name, m.Below)
		m.Name = m.Name[max(0, len(m.Name)-nameMax):]
	}
	return m
}

// shape says what a device is to be like.
func (d *devices) shape(v *device) Make {
	below := d.under[v.below]
	return Make{Device: v.Device, Below: below.Index, Lowest: d.lowest[v.below].Index, MTU: below.MTU, Master: below.Master, IPv6: v.ipv6}
}

// bent lists the devices that are to be put right.
func (d *devices) bent(now time.Time) (all []*device) {
	for _, v := range d.all {
		if v.index != 0 && len(v.wrong) > 0 && now.Sub(v.mended) >= deviceRetry {
			all = append(all, v)
		}
	}
	return all
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
		right, at := v.up == (held[v.instance] != nil), v.retry
		if v.index == 0 {
			right = d.under[v.below].Index == 0
		} else if right && len(v.wrong) > 0 {
			right, at = false, v.mended.Add(deviceRetry)
		}
		if !right && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	return due, ok
}

// links returns the names of the links whose settings the devices need.
func (d *devices) links() (names []string) {
	for name := range d.under {
		names = append(names, name)
	}
	for _, n := range d.lowest {
		names = append(names, n.Name)
	}
	return names
}

// fact is what the ledger is told of a device.
func (v *device) fact() event.Link {
	return event.Link{Name: v.name, Index: v.index, AdminUp: v.up, Usable: v.up, HardwareAddr: v.MAC}
}
