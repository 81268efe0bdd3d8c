package neigh

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

const (
	// reachEvery is the period at which an Active with a virtual MAC asks stations for an answer to
	// that MAC; reachAgain is the period while there is no answer.
	reachEvery = 30 * time.Second
	reachAgain = 3 * time.Second
	// reachWait is how long the answers may take.
	reachWait = time.Second
	// reachMisses consecutive rounds without an answer, while the same stations answer to the
	// link's own MAC, show that something filters the virtual one.
	reachMisses = 3
	reachAsked  = 3 // stations
)

// reaches holds, by instance, whether stations reach its virtual MAC.
type reaches map[string]*reach

// reach finds out whether stations reach the virtual MAC of a held instance. A switch port that
// lets one MAC through, or a hypervisor's filter, drops frames from it and for it; then both
// routers are Active, and hosts reach neither.
type reach struct {
	device int       // ifindex
	next   time.Time // when to ask
	until  time.Time // when to evaluate the answers; zero if no question was asked
	misses int
}

// checkReach asks, and evaluates the answers, for each device that is up.
func (t *turn) checkReach() {
	for instance, device := range t.held.Devices {
		set, r := t.sets[instance], t.reaches[instance]
		switch {
		case !t.up(instance, device):
			if r != nil {
				delete(t.reaches, instance)
				t.cache.takeReach(r.device)
				t.warn(instance, event.WarnUnreached, set.Link, "")
			}
		case r == nil:
			t.reaches[instance] = &reach{device: device.Index, next: t.now.Add(reachWait)}
		case !r.until.IsZero() && !t.now.Before(r.until):
			t.judgeReach(set, r)
		case r.until.IsZero() && !t.now.Before(r.next):
			t.askReach(set, device, r)
		}
	}
}

// askReach asks stations from the virtual MAC, and from the link's own.
func (t *turn) askReach(set *Set, device event.Link, r *reach) {
	r.device, r.next = device.Index, t.now.Add(reachEvery)
	from, ok := t.source(set)
	if !ok {
		return
	}
	link, stations := t.cache.sameFamily(set.Link, from, reachAsked)
	if len(stations) == 0 || !link.Usable {
		return
	}
	device = asking(device, from)
	t.batch.Reset()
	for _, a := range stations {
		t.batch.Ask(device, a)
		t.batch.Ask(link, a)
	}
	t.cache.expectReach(device.Index, link.Index, stations)
	t.send()
	r.until = t.now.Add(reachWait)
}

// judgeReach evaluates the answers to askReach.
func (t *turn) judgeReach(set *Set, r *reach) {
	toDevice, toLink := t.cache.takeReach(r.device)
	r.until = time.Time{}
	switch {
	case toDevice:
		r.misses = 0
		t.warn(set.Instance, event.WarnUnreached, set.Link, "")
	case toLink:
		if r.misses++; r.misses < reachMisses {
			r.next = t.now.Add(reachAgain)
			break
		}
		t.warn(set.Instance, event.WarnUnreached, set.Link, fmt.Sprintf(
			"stations on %s answer to the interface's own MAC, and none to the virtual MAC %s: the switch port or the hypervisor lets only one MAC through; allow %s there (port security, MAC spoofing, forged transmits), or set virtual_mac: false on all routers",
			set.Link, writeMAC(set.MAC), writeMAC(set.MAC)))
	}
}

// forgetReach ends the warnings that stations do not answer to a virtual MAC, on a link on which
// they answer to no MAC at all.
func (t *turn) forgetReach(link string) {
	for instance, r := range t.reaches {
		if t.sets[instance].Link == link {
			r.misses = 0
			t.warn(instance, event.WarnUnreached, link, "")
		}
	}
}

// source returns an address of an instance from which to ask stations: it is held on the device,
// and stations answer to it.
func (t *turn) source(set *Set) (from netip.Addr, ok bool) {
	for n, a := range set.Addresses {
		if a.Virtual && (a.Is4() || a.IsLinkLocalUnicast()) && t.held.InPlace(set.Instance, n) {
			return a.Addr, true
		}
	}
	return from, false
}

// asking returns a device as a link from which stations are asked, with that address.
func asking(device event.Link, from netip.Addr) event.Link {
	if from.Is4() {
		device.Primary4 = from
	} else {
		device.LinkLocal6 = from
	}
	return device
}

// deadline returns when checkReach has something to do if nothing happens.
func (r reaches) deadline() (due time.Time, ok bool) {
	for _, one := range r {
		at := one.next
		if !one.until.IsZero() {
			at = one.until
		}
		if !ok || at.Before(due) {
			due, ok = at, true
		}
	}
	return due, ok
}
