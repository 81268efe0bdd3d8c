package macvlan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Device is the macvlan of an instance that has a virtual MAC.
type Device struct {
	Name string // where somebody else has it, the index of the link below is appended
	MAC  [6]byte
}

// Wanted is a device that an instance wants.
type Wanted struct {
	Device
	Instance string
	Below    string // the link that carries the instance's adverts
	IPv6     bool   // some address on it is IPv6
}

// Link is what the kernel reports of a link.
type Link struct {
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
	// Shared reports whether it is a macvlan in a mode in which links bear one MAC, as
	// ripcord and keepalived make them: private or VEPA.
	Shared bool
}

// Shape is what a device is to be made like.
type Shape struct {
	Device
	Below  int  // ifindex
	Lowest int  // ifindex of the link below that one, where the device hangs if that is a macvlan; 0 if it is not, or not here
	MTU    int  // that of the link below; 0: not known
	Master int  // ifindex of the VRF that the link below is in, 0 if none
	IPv6   bool // some address on it is IPv6
}

const (
	// retryEvery is how long after a failure it is tried again.
	retryEvery = time.Second
	// auditEvery is how often the kernel is asked for all links though nothing was heard: no
	// notification tells of an alias, a VRF, or another link with the same MAC.
	auditEvery = 5 * time.Second
	// minMTU6 is IPv6's least MTU: below it the kernel keeps no IPv6 on a link.
	minMTU6 = 1280
	// nameMax is the longest name of a link: IFNAMSIZ, less the zero byte.
	nameMax = 15
)

// device is a wanted device and what became of it.
type device struct {
	Wanted
	index    int    // 0: it is not there
	name     string // that it has, or had
	mtu      int
	up       bool
	own      bool      // was made or taken over since the start
	retry    time.Time // not to be tried before
	failure  string    // what was last reported
	mistuned bool      // settings that it needs could not be written
	vanished int       // how often in a row it was made and did not appear

	wrong  []string  // what of it differs from what it should be
	mended time.Time // when that was last put right
	worn   bool      // it has lost its IPv6 settings: to be made anew
	rivals []Link    // other links, up, that bear its MAC where it would
	fault  string    // the conflict last reported; empty if none

	dropped bool // it is configured no more
}

// ledger decides which macvlans there are to be. It follows what the kernel reports;
// facts from the bus only say when to ask it.
type ledger struct {
	all     []*device
	under   map[string]Link // the links below, by name: without an index if there is none
	other   []Link          // of ours, and not wanted
	lowest  map[string]Link // by the name of a link below that is a macvlan: the link below it, if that is here
	made    map[int]*device // by index: what this run made or took over
	names   map[string]bool // taken
	stale   bool            // the kernel must be asked
	retry   time.Time       // not to be asked before
	audited time.Time       // when it was last asked
	looked  bool            // it was, and conflicts were not resolved since
}

func newLedger(wanted []Wanted) *ledger {
	l := &ledger{under: make(map[string]Link), made: make(map[int]*device), stale: true}
	for _, w := range wanted {
		l.under[w.Below] = Link{}
		l.all = append(l.all, &device{Wanted: w, name: w.Name})
	}
	return l
}

// configure replaces the wanted devices. It returns those that are wanted no more, and those
// that stay but gain or lose IPv6.
func (l *ledger) configure(wanted []Wanted) (gone, changed []*device) {
	gone, l.all = l.all, nil
	under := make(map[string]Link)
	for _, w := range wanted {
		under[w.Below] = l.under[w.Below]
		n := slices.IndexFunc(gone, func(v *device) bool {
			return v.Device == w.Device && v.Instance == w.Instance && v.Below == w.Below
		})
		if n < 0 {
			l.all = append(l.all, &device{Wanted: w, name: w.Name})
			l.doubt()
			continue
		}
		v := gone[n]
		gone = slices.Delete(gone, n, n+1)
		l.all = append(l.all, v)
		if v.IPv6 != w.IPv6 {
			v.IPv6 = w.IPv6
			changed = append(changed, v)
		}
	}
	l.under = under
	for _, v := range gone {
		v.dropped = true
		l.doubt()
	}
	return gone, changed
}

// observe takes the kernel's list of all links. It returns the devices that have come
// or gone since the last one, or were set up or down by others.
func (l *ledger) observe(all []Link) (changed []*device) {
	l.stale, l.looked, l.other, l.names = false, true, nil, make(map[string]bool)
	for name := range l.under {
		l.under[name] = Link{}
	}
	vrf, there := make(map[int]bool), make(map[int]bool)
	for _, n := range all {
		there[n.Index] = true
		for _, name := range append(slices.Clone(n.AltNames), n.Name) {
			l.names[name] = true
			if _, ok := l.under[name]; ok {
				l.under[name] = n
			}
		}
		vrf[n.Index] = n.Kind == "vrf"
	}
	for name, below := range l.under { // only a VRF takes what stands on its port along
		if !vrf[below.Master] {
			below.Master = 0
			l.under[name] = below
		}
	}
	l.lowest = make(map[string]Link)
	for name, below := range l.under {
		for _, n := range all {
			if isMacvlan(below) && below.NS == 0 && n.Index == below.Below {
				l.lowest[name] = n
			}
		}
	}
	maps.DeleteFunc(l.made, func(index int, _ *device) bool { return !there[index] })
	found := l.recognise(all)
	for _, v := range l.all {
		n := found[v]
		if n.Index != v.index || n.Up != v.up || n.Index != 0 && n.Name != v.name {
			changed = append(changed, v)
		}
		v.index, v.up, v.mtu = n.Index, n.Up, n.MTU
		v.wrong, v.worn = nil, false
		if v.index == 0 {
			continue
		}
		l.made[v.index], v.name, v.vanished = v, n.Name, 0
		v.compare(n, l.under[v.Below])
	}
	return changed
}

// recognise finds the link of each wanted device and its rivals, and the links of ours that
// are not wanted.
func (l *ledger) recognise(all []Link) map[*device]Link {
	found := make(map[*device]Link)
	for _, v := range l.all {
		v.rivals = nil
		// Devices that this run made are known by their index, even if their alias has
		// changed.
		for _, n := range all {
			if n.Index != 0 && n.Index == v.index && l.made[n.Index] == v && v.could(n, l.under[v.Below]) {
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
		if v := l.of(n); v != nil && found[v].Index == 0 {
			found[v], taken[n.Index] = n, true
		} else {
			l.other = append(l.other, n)
		}
	}
	for _, v := range l.all {
		for _, n := range all {
			unwanted := slices.ContainsFunc(l.other, func(o Link) bool { return o.Index == n.Index })
			if n.Up && n.Index != found[v].Index && !unwanted && v.rivalled(n, l.under[v.Below]) {
				v.rivals = append(v.rivals, n)
			}
		}
	}
	return found
}

// could reports whether a link is a macvlan with the device's MAC where the device
// is to be: on the link below or, as the kernel hangs a macvlan on a macvlan on
// the lowest link, beside it.
func (v *device) could(n, below Link) bool {
	if below.Index == 0 || n.MAC != v.MAC || n.Kind != "" && !isMacvlan(n) {
		return false
	}
	return n.Below == below.Index && n.NS == 0 || isMacvlan(below) && n.Below == below.Below && n.NS == below.NS
}

// rivalled reports whether a link keeps the device from being set up, if it is up
// itself: the kernel gives each MAC to one link on a lower link, that one included.
func (v *device) rivalled(n, below Link) bool {
	return n.MAC == v.MAC && below.Index != 0 && (n.Index == below.Index || isMacvlan(n) && v.could(n, below))
}

func isMacvlan(n Link) bool { return n.Kind == "macvlan" || n.Kind == "macvtap" }

// of returns the wanted device that a link of ours is; nil if it is none. One of an
// earlier run under another name is none: firewall rules name the device as the
// configuration does.
func (l *ledger) of(n Link) *device {
	for _, v := range l.all {
		below := l.under[v.Below]
		named := n.Name == v.Name || n.Name == secondName(v.Name, below.Index) || slices.Contains(n.AltNames, v.Name)
		if named && v.could(n, below) && (n.On == 0 || n.On == below.Index) {
			return v
		}
	}
	return nil
}

// compare notes what of a device is not as it should be.
func (v *device) compare(n, below Link) {
	if !n.Ours {
		v.wrong = append(v.wrong, "its alias")
	}
	if below.MTU != 0 && n.MTU != below.MTU {
		v.wrong = append(v.wrong, fmt.Sprintf("its MTU, %d, to %d", n.MTU, below.MTU))
		// The kernel has dropped the IPv6 settings of a link of less.
		v.worn = v.IPv6 && n.MTU < minMTU6 && below.MTU >= minMTU6
	}
	if n.Master != below.Master {
		v.wrong = append(v.wrong, "the VRF it is in")
	}
}

// see takes a fact from the bus. If the fact differs from the known state, the kernel must be
// asked, since the fact may be older.
func (l *ledger) see(fact event.Link) {
	if below, ok := l.under[fact.Name]; ok && (below.Index != fact.Index || fact.MTU != 0 && fact.MTU != below.MTU) {
		l.doubt()
	}
	for _, v := range l.all {
		if fact.Name == v.name && v.index != 0 && (fact.Index != v.index || fact.AdminUp != v.up || fact.MTU != 0 && fact.MTU != v.mtu) {
			l.doubt()
		}
	}
}

// audit has the kernel asked if it was not for long.
func (l *ledger) audit(now time.Time) {
	if due, ok := l.nextAudit(); ok && !now.Before(due) {
		l.stale = true
	}
}

func (l *ledger) nextAudit() (time.Time, bool) { return l.audited.Add(auditEvery), len(l.all) > 0 }

// vanishing reports whether a link is what became of a device that was made, and
// did not appear where it should be.
func (l *ledger) vanishing(n Link) bool {
	return slices.ContainsFunc(l.all, func(v *device) bool { return v.vanished > 0 && v.MAC == n.MAC })
}

func (l *ledger) doubt() { l.stale, l.retry = true, time.Time{} }

// missing lists what is to be made: where the link below is there.
func (l *ledger) missing(now time.Time) (all []*device) {
	for _, v := range l.all {
		if v.index == 0 && l.under[v.Below].Index != 0 && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// fresh returns the shape of a device to make, with a name that nobody has.
func (l *ledger) fresh(v *device) Shape {
	m := l.shape(v)
	if l.names[m.Name] {
		m.Name = secondName(m.Name, m.Below)
	}
	return m
}

// secondName returns the name of a device where somebody else has the one that is
// wanted.
func secondName(name string, below int) string {
	name = fmt.Sprintf("%s.%d", name, below)
	return name[max(0, len(name)-nameMax):]
}

// shape returns what a device is to be like.
func (l *ledger) shape(v *device) Shape {
	below := l.under[v.Below]
	return Shape{Device: v.Device, Below: below.Index, Lowest: l.lowest[v.Below].Index, MTU: below.MTU, Master: below.Master, IPv6: v.IPv6}
}

// altered lists the devices that are to be put right.
func (l *ledger) altered(now time.Time) (all []*device) {
	for _, v := range l.all {
		if v.index != 0 && len(v.wrong) > 0 && now.Sub(v.mended) >= retryEvery {
			all = append(all, v)
		}
	}
	return all
}

// turned lists the devices that are to be set up, or down: they are up while
// their instance is held.
func (l *ledger) turned(now time.Time, up bool, held func(instance string) bool) (all []*device) {
	for _, v := range l.all {
		if v.index != 0 && v.up != up && held(v.Instance) == up && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// deadline returns when a device is to be changed, or the kernel to be asked, if
// nothing happens.
func (l *ledger) deadline(held func(instance string) bool) (due time.Time, ok bool) {
	if l.stale {
		return l.retry, true
	}
	for _, v := range l.all {
		right, at := v.up == held(v.Instance), v.retry
		if v.index == 0 {
			right = l.under[v.Below].Index == 0
		} else if right && len(v.wrong) > 0 {
			right, at = false, v.mended.Add(retryEvery)
		}
		if !right && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	return due, ok
}

// links returns the names of the links whose settings the devices need.
func (l *ledger) links() (names []string) {
	for name := range l.under {
		names = append(names, name)
	}
	for _, n := range l.lowest {
		names = append(names, n.Name)
	}
	return names
}

// link returns the device as a link.
func (v *device) link() event.Link {
	return event.Link{Name: v.name, Index: v.index, AdminUp: v.up, Usable: v.up, HardwareAddr: v.MAC}
}
