package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

// strayAfter is how long an address of an instance that is not held may stand on
// this machine before that is a conflict.
const strayAfter = time.Second

var errNoSettings = errors.New("the settings of the kernel cannot be read")

// localLink is what is known of any link of this machine.
type localLink struct {
	index int
	mac   [6]byte
}

// locals are the links of this machine by name: what one of them claims is no other
// station's.
type locals map[string]localLink

func (l locals) see(fact event.Link) {
	if fact.Index == 0 {
		delete(l, fact.Name)
		return
	}
	l[fact.Name] = localLink{fact.Index, fact.HardwareAddr}
}

func (l locals) has(mac [6]byte) bool {
	for _, link := range l {
		if link.mac == mac {
			return true
		}
	}
	return false
}

func (l locals) byIndex(index int) (name string, link localLink) {
	for name, link := range l {
		if link.index == index {
			return name, link
		}
	}
	return "", localLink{}
}

// watchConflicts takes what other stations claim, probes for them, and looks whether
// addresses stand on this machine that should not.
func (w *Worker) watchConflicts() {
	now := w.cfg.Now()
	for _, c := range w.lookout.takeClaims() {
		if set, link, ok := w.claimant(c); ok && w.claims.hear(set.Instance, c) {
			w.reportConflict(set.Instance, link, c.address, c.mac, fmt.Sprintf(
				"%s on %s is answered for by %s too: hosts reach one or the other; find that machine and take the address off it",
				c.address, link, writeMAC(c.mac)))
		}
	}
	instances, addresses, over := w.claims.due(now, w.ledger.order, func(name string) bool { return w.ledger.held[name] != nil })
	for _, a := range over {
		for _, name := range w.ledger.of[a] {
			w.cfg.Warnings.Clear(conflictKey(name, a), event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now})
		}
	}
	w.probe(instances, addresses)
	w.watchStrays(now)
}

// claimant returns the instance that holds what another station claims, and the link
// on which that was heard.
func (w *Worker) claimant(c claim) (set *Set, link string, ok bool) {
	if w.locals.has(c.mac) {
		return nil, "", false
	}
	for _, name := range w.ledger.of[c.address] {
		h := w.ledger.held[name]
		if h == nil {
			continue
		}
		for _, e := range h.entries {
			if e.Prefix.Addr() != c.address || e.at == nowhere {
				continue
			}
			if h.set.Device != nil && h.set.Device.MAC == c.mac {
				continue // the other router's, by the MAC that both share
			}
			on := w.ledger.links[e.Interface]
			below := w.locals[h.set.Link]
			if on.Index == c.index || h.set.Device != nil && e.Interface == onDevice(h.set) && below.index == c.index {
				return h.set, w.segmentOf(h.set, e), true
			}
		}
	}
	return nil, "", false
}

// segmentOf is the name of the link on whose segment an address is answered for.
func (w *Worker) segmentOf(set *Set, e *entry) string {
	if set.Device != nil && e.Interface == onDevice(set) {
		return set.Link
	}
	return e.Interface
}

// probe asks whether another station has what is held: an ARP probe, which changes no
// neighbor's mind (RFC 5227 §2.1.1), or a neighbor solicitation.
func (w *Worker) probe(instances []string, addresses []netip.Addr) {
	if len(instances)+len(addresses) == 0 {
		return
	}
	w.batch.Reset()
	asked := make(map[*entry]bool)
	ask := func(h *holding, e *entry) {
		link := w.lookout.linkNamed(w.segmentOf(h.set, e))
		if e.at == nowhere || asked[e] || !link.Usable {
			return
		}
		asked[e] = true
		w.batch.Probe(link, e.Prefix.Addr())
	}
	for _, name := range instances {
		for _, e := range w.ledger.held[name].entries {
			ask(w.ledger.held[name], e)
		}
	}
	for _, a := range addresses {
		for _, name := range w.ledger.of[a] {
			h := w.ledger.held[name]
			if h == nil {
				continue
			}
			for _, e := range h.entries {
				if e.Prefix.Addr() == a {
					ask(h, e)
				}
			}
		}
	}
	if len(w.batch.Frames()) > 0 {
		w.cfg.Sender.Send(w.batch.Frames())
	}
}

// watchStrays reports addresses that stand on this machine, and that answer, though
// their instance is not held: the Active answers for them too.
func (w *Worker) watchStrays(now time.Time) {
	w.ledger.date(now)
	for a, found := range w.ledger.strays {
		for _, name := range w.ledger.of[a] {
			set, key := w.ledger.sets[name], conflictKey(name, a)
			link, mac := w.locals.byIndex(found.index)
			if !w.strays(set, a, found.index) {
				if !w.claims.conflicts(name, a) {
					w.cfg.Warnings.Clear(key, event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now})
				}
				continue
			}
			if now.Sub(found.since) >= strayAfter {
				w.reportConflict(name, link, a, mac.mac, fmt.Sprintf(
					"%s stands on %s of this machine and answers, though %s is not Active here: remove it with ip address del %s dev %s, and from what put it there",
					a, link, name, found.prefix, link))
			}
		}
	}
	for a := range w.ledger.strayed {
		if _, still := w.ledger.strays[a]; !still {
			for _, name := range w.ledger.of[a] {
				w.cfg.Warnings.Clear(conflictKey(name, a), event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now})
			}
		}
	}
	clear(w.ledger.strayed)
}

// strays reports whether an address of a set that stands unmarked on a link answers
// in the place of the Active's.
func (w *Worker) strays(set *Set, a netip.Addr, index int) bool {
	if w.ledger.held[set.Instance] != nil || set.Owner {
		return false
	}
	for i := range set.Addresses {
		e := &entry{Address: set.Addresses[i]}
		if e.Prefix.Addr() != a {
			continue
		}
		on := w.segmentOf(set, e)
		if w.locals[on].index == index || w.ledger.links[e.Interface].Index == index {
			return true
		}
		// On another link of the machine it is answered for, but over IPv4 only, and
		// not where the link answers for its own alone.
		if name, _ := w.locals.byIndex(index); a.Is4() && name != "" && !w.answersForItselfAlone(on) {
			return true
		}
	}
	return false
}

// answersForItselfAlone reports whether a link does not answer ARP for addresses on
// other links.
func (w *Worker) answersForItselfAlone(link string) bool {
	for _, name := range []string{"all", link} {
		if value, err := w.setting("ipv4/conf/" + name + "/arp_ignore"); err == nil && value != "0" {
			return true
		}
	}
	return false
}

// setting reads a setting of the kernel, below net.
func (w *Worker) setting(key string) (string, error) {
	if w.cfg.Setting == nil {
		return "", errNoSettings
	}
	return w.cfg.Setting(key)
}

// conflicts reports whether an instance that is held is in conflict for an address.
func (c *claims) conflicts(instance string, a netip.Addr) bool {
	known := c.of[a]
	return known != nil && known.conflict && known.instance == instance
}

func conflictKey(instance string, a netip.Addr) event.WarningKey {
	return event.WarningKey{Instance: instance, Reason: event.WarnAddressConflict, Subject: a.String()}
}

func (w *Worker) reportConflict(instance, link string, a netip.Addr, mac [6]byte, text string) {
	now := w.cfg.Now()
	stamp := event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now}
	w.cfg.Warnings.ReportAs(event.Warning{
		Stamp: stamp, Instance: instance, Reason: event.WarnAddressConflict, Subject: a.String(), Text: text,
	}, event.AddressConflict{Stamp: stamp, Instance: instance, Address: a, MAC: mac, Interface: link, Text: text})
}

func writeMAC(mac [6]byte) string { return event.DeviceMoved{MAC: mac}.Address() }
