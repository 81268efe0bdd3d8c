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
	Name string // if the name is taken, the index of the link below is appended
	MAC  [6]byte
}

// Wanted is a device that an instance needs.
type Wanted struct {
	Device
	Instance string
	Below    string // the link that carries the instance's adverts
	IPv6     bool   // some address on it is IPv6
}

// Link is a link as the kernel reports it.
type Link struct {
	Index int    // ifindex
	Below int    // ifindex of the link below, 0 if none
	NS    int    // the id of the namespace of Below, plus one; 0: this one
	On    int    // for a device of ours, the ifindex of the link for which it was made, from its alias; 0: Below
	Kind  string // IFLA_INFO_KIND
	Name  string
	// AltNames are its alternative names, by which it can be found, too.
	AltNames []string
	MAC      [6]byte
	MTU      int
	// Master is the ifindex of the VRF, bridge or bond of which the link is a port; 0 if none.
	Master int
	Up     bool // administratively
	Ours   bool // a macvlan with our mark
	// Shared reports whether it is a macvlan in a mode in which several links can have one MAC, as
	// ripcord and keepalived make them: private or VEPA.
	Shared bool
}

// Shape is the description of a device to make.
type Shape struct {
	Device
	Below  int  // ifindex
	Lowest int  // ifindex of the link below Below, to which the device is attached if Below is a macvlan; 0 if it is not, or not here
	MTU    int  // that of the link below; 0: unknown
	Master int  // ifindex of the VRF of the link below, 0 if none
	IPv6   bool // some address on it is IPv6
}

const (
	// retryEvery is how long after a failure the next attempt follows.
	retryEvery = time.Second
	// auditEvery is the period at which the kernel is asked for all links without a notification:
	// there is none about an alias, a VRF, or another link with the same MAC.
	auditEvery = 5 * time.Second
	// minMTU6 is IPv6's least MTU: below it the kernel keeps no IPv6 on a link.
	minMTU6 = 1280
	// maxName is the length of the longest name of a link: IFNAMSIZ, without the zero byte.
	maxName = 15
)

// device is a wanted device with its state.
type device struct {
	Wanted
	index    int    // 0: it does not exist
	name     string // its present or last name
	mtu      int
	up       bool
	own      bool      // was made or taken over since the start
	retry    time.Time // the earliest time of the next attempt
	failure  string    // the failure last reported
	mistuned bool      // settings that it needs could not be written
	vanished int       // how often in a row it was made and did not appear

	wrong  []string  // its differences from what it should be
	mended time.Time // when they were last corrected
	worn   bool      // it has lost its IPv6 settings and has to be made again
	rivals []Link    // other links, up, that bear its MAC on the same lower link
	fault  string    // the conflict last reported; empty if none

	dropped bool // it is not configured any more
}

// ledger decides which macvlans should exist. It follows the kernel's lists; facts from the bus
// only say when to ask for one.
type ledger struct {
	all     []*device
	under   map[string]Link // the links below, by name: without an index if it does not exist
	other   []Link          // devices of ours that are not wanted
	lowest  map[string]Link // by the name of a link below that is a macvlan: the link below it, if it is in this namespace
	made    map[int]*device // by index: the devices that this run made or took over
	names   map[string]bool // the names in use
	stale   bool            // the kernel must be asked
	retry   time.Time       // the earliest time of the next question
	audited time.Time       // the time of the last question
	looked  bool            // the kernel was asked, and conflicts were not resolved since
}

func newLedger(wanted []Wanted) *ledger {
	l := &ledger{under: make(map[string]Link), made: make(map[int]*device), stale: true}
	for _, w := range wanted {
		l.under[w.Below] = Link{}
		l.all = append(l.all, &device{Wanted: w, name: w.Name})
	}
	return l
}

// configure replaces the wanted devices. It returns those that are no longer wanted, and those that
// stay but gain or lose IPv6.
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

// observe records the kernel's list of all links. It returns the devices that have appeared or
// disappeared since the last one, or were set up or down by others.
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
	for name, below := range l.under { // only a VRF also takes the devices on its ports
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
	found := l.recognize(all)
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

// recognize finds the link of each wanted device and its rivals, and the links of ours that are not
// wanted.
func (l *ledger) recognize(all []Link) map[*device]Link {
	found := make(map[*device]Link)
	for _, v := range l.all {
		v.rivals = nil
		// Devices that this run made are recognized by their index, even if their alias has
		// changed.
		for _, n := range all {
			if n.Index != 0 && n.Index == v.index && l.made[n.Index] == v && v.couldBe(n, l.under[v.Below]) {
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

// couldBe reports whether a link is a macvlan with the device's MAC in the device's position: on
// the link below or, since the kernel attaches a macvlan on a macvlan to the lowest link, beside
// it.
func (v *device) couldBe(n, below Link) bool {
	if below.Index == 0 || n.MAC != v.MAC || n.Kind != "" && !isMacvlan(n) {
		return false
	}
	return n.Below == below.Index && n.NS == 0 || isMacvlan(below) && n.Below == below.Below && n.NS == below.NS
}

// rivalled reports whether a link prevents the device from being set up if it is up itself: the
// kernel allows each MAC on one link per lower link, including the lower link.
func (v *device) rivalled(n, below Link) bool {
	return n.MAC == v.MAC && below.Index != 0 && (n.Index == below.Index || isMacvlan(n) && v.couldBe(n, below))
}

func isMacvlan(n Link) bool { return n.Kind == "macvlan" || n.Kind == "macvtap" }

// of returns the wanted device to which a link of ours belongs; nil if there is none. One of an
// earlier run under another name does not count: firewall rules name the device as the
// configuration does.
func (l *ledger) of(n Link) *device {
	for _, v := range l.all {
		below := l.under[v.Below]
		named := n.Name == v.Name || n.Name == secondName(v.Name, below.Index) || slices.Contains(n.AltNames, v.Name)
		if named && v.couldBe(n, below) && (n.On == 0 || n.On == below.Index) {
			return v
		}
	}
	return nil
}

// compare records the differences of a device from what it should be.
func (v *device) compare(n, below Link) {
	if !n.Ours {
		v.wrong = append(v.wrong, "its alias")
	}
	if below.MTU != 0 && n.MTU != below.MTU {
		v.wrong = append(v.wrong, fmt.Sprintf("its MTU, %d, to %d", n.MTU, below.MTU))
		// The kernel has dropped the IPv6 settings of a link with less.
		v.worn = v.IPv6 && n.MTU < minMTU6 && below.MTU >= minMTU6
	}
	if n.Master != below.Master {
		v.wrong = append(v.wrong, "its VRF")
	}
}

// see records a fact from the bus. If the fact differs from the known state, the kernel must be
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

// audit schedules a question to the kernel if the last one is long ago.
func (l *ledger) audit(now time.Time) {
	if due, ok := l.nextAudit(); ok && !now.Before(due) {
		l.stale = true
	}
}

func (l *ledger) nextAudit() (time.Time, bool) { return l.audited.Add(auditEvery), len(l.all) > 0 }

// vanishing reports whether a link may be a device that was made and did not appear where it should
// be.
func (l *ledger) vanishing(n Link) bool {
	return slices.ContainsFunc(l.all, func(v *device) bool { return v.vanished > 0 && v.MAC == n.MAC })
}

func (l *ledger) doubt() { l.stale, l.retry = true, time.Time{} }

// missing lists the devices to make: those whose link below exists.
func (l *ledger) missing(now time.Time) (all []*device) {
	for _, v := range l.all {
		if v.index == 0 && l.under[v.Below].Index != 0 && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// fresh returns the shape of a device to make, with an unused name.
func (l *ledger) fresh(v *device) Shape {
	m := l.shape(v)
	if l.names[m.Name] {
		m.Name = secondName(m.Name, m.Below)
	}
	return m
}

// secondName returns the name of a device if the wanted one is taken.
func secondName(name string, below int) string {
	name = fmt.Sprintf("%s.%d", name, below)
	return name[max(0, len(name)-maxName):]
}

// shape returns the shape of a device.
func (l *ledger) shape(v *device) Shape {
	below := l.under[v.Below]
	return Shape{Device: v.Device, Below: below.Index, Lowest: l.lowest[v.Below].Index, MTU: below.MTU, Master: below.Master, IPv6: v.IPv6}
}

// altered lists the devices to correct.
func (l *ledger) altered(now time.Time) (all []*device) {
	for _, v := range l.all {
		if v.index != 0 && len(v.wrong) > 0 && now.Sub(v.mended) >= retryEvery {
			all = append(all, v)
		}
	}
	return all
}

// turned lists the devices to set up, or down: they are up while their instance is held.
func (l *ledger) turned(now time.Time, up bool, held func(instance string) bool) (all []*device) {
	for _, v := range l.all {
		if v.index != 0 && v.up != up && held(v.Instance) == up && !now.Before(v.retry) {
			all = append(all, v)
		}
	}
	return all
}

// deadline returns when to change a device, or to ask the kernel, if nothing happens.
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
