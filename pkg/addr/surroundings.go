package addr

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
)

// The settings and the network around an instance are looked at now and then, for
// what makes two machines answer, or none, without any event that would tell.

// surroundingsEvery is how often they are looked at.
const surroundingsEvery = 10 * time.Second

// proxySettings make a link answer ARP for addresses that are not this machine's.
var proxySettings = []string{"proxy_arp", "proxy_arp_pvlan"}

// checkSurroundings looks at the settings of the links that carry adverts, and at
// those that a device needs and that could not be written.
func (w *Worker) checkSurroundings() {
	now := w.cfg.Now()
	if now.Before(w.surroundings) || w.cfg.Setting == nil {
		return
	}
	w.surroundings = now.Add(surroundingsEvery)
	for name, set := range w.ledger.sets {
		w.warn(name, event.WarnProxyARP, set.Link, w.proxies(set))
	}
	w.macvlans.RetryTuning()
}

// proxies says which setting makes the link of a set answer for others; empty if none
// does, or if no address of the set is IPv4.
func (w *Worker) proxies(set *Set) string {
	four := false
	for _, a := range set.Addresses {
		four = four || a.Prefix.Addr().Is4()
	}
	if !four {
		return ""
	}
	for _, key := range proxySettings {
		for _, link := range []string{set.Link, "all"} {
			if value, err := w.setting("ipv4/conf/" + link + "/" + key); err == nil && value != "0" {
				return fmt.Sprintf("net.ipv4.conf.%s.%s is %s: this machine answers ARP for addresses of other machines, so that two may answer for ours; set it to 0 with sysctl -w net.ipv4.conf.%s.%s=0",
					link, key, value, link, key)
			}
		}
	}
	return ""
}

// warn reports a warning with this text, or that it is over if that is empty.
func (w *Worker) warn(instance string, reason event.WarningReason, subject, text string) {
	now := w.cfg.Now()
	w.cfg.Warnings.Set(text != "", event.Warning{
		Stamp:    event.Stamp{Cause: w.cfg.Minter.Cause(now), At: now},
		Instance: instance, Reason: reason, Subject: subject, Text: text,
	})
}

const (
	// reachEvery is how often an Active with a virtual MAC asks stations for an answer
	// to that MAC; while none came, and to confirm, reachAgain.
	reachEvery = 30 * time.Second
	reachAgain = 3 * time.Second
	// reachWait is how long their answers are waited for.
	reachWait = time.Second
	// reachMisses rounds in a row without an answer, while the same stations answer to
	// the link's own MAC, show that something filters the virtual one.
	reachMisses = 3
	reachAsked  = 3 // stations
)

// reach finds out whether stations reach the virtual MAC of an instance that is held:
// a switch port that lets one MAC through, or a hypervisor's filter, drops what comes
// from it and for it, and both routers are Active for hosts that reach none.
type reach struct {
	next   time.Time // when to ask
	until  time.Time // when to judge what came; zero if nothing was asked
	misses int
}

// checkReach asks and judges, for each device that is up.
func (w *Worker) checkReach() {
	now := w.cfg.Now()
	for v := range w.macvlans.Each {
		h := w.ledger.held[v.Instance]
		r := w.reaches[v.Instance]
		switch {
		case h == nil || v.Link.Index == 0 || !v.Link.AdminUp:
			if r != nil {
				delete(w.reaches, v.Instance)
				w.lookout.stopAsking(v.Link.Index)
				w.warn(v.Instance, event.WarnUnreached, v.Below, "")
			}
		case r == nil:
			w.reaches[v.Instance] = &reach{next: now.Add(reachWait)}
		case !r.until.IsZero() && !now.Before(r.until):
			w.judgeReach(now, v, r)
		case r.until.IsZero() && !now.Before(r.next):
			w.askReach(now, v, h, r)
		}
	}
}

// nextReach is when checkReach has something to do if nothing happens.
func (w *Worker) nextReach() (due time.Time, ok bool) {
	for _, r := range w.reaches {
		at := r.next
		if !r.until.IsZero() {
			at = r.until
		}
		if !ok || at.Before(due) {
			due, ok = at, true
		}
	}
	return due, ok
}

// askReach asks stations from the virtual MAC, and from the link's own.
func (w *Worker) askReach(now time.Time, v macvlan.State, h *holding, r *reach) {
	r.next = now.Add(reachEvery)
	from, ok := reachSource(h)
	link, whom := w.lookout.some(v.Below, from, reachAsked)
	if !ok || len(whom) == 0 || !link.Usable {
		return
	}
	device := askedFrom(v.Link, from)
	w.batch.Reset()
	for _, a := range whom {
		w.batch.Ask(device, a)
		w.batch.Ask(link, a)
	}
	w.lookout.expect(v.Link.Index, link.Index, whom)
	w.cfg.Sender.Send(w.batch.Frames())
	r.until = now.Add(reachWait)
}

// askedFrom returns a device as a link from which stations are asked, from an address.
func askedFrom(device event.Link, from netip.Addr) event.Link {
	if from.Is4() {
		device.Primary4 = from
	} else {
		device.LinkLocal6 = from
	}
	return device
}

// reachSource is the address that is asked from: one that is held on the device, and
// that stations answer to.
func reachSource(h *holding) (a netip.Addr, ok bool) {
	for _, e := range h.entries {
		a := e.Prefix.Addr()
		if e.at != nowhere && e.Interface == onDevice(h.set) && (a.Is4() || a.IsLinkLocalUnicast()) {
			return a, true
		}
	}
	return a, false
}

// judgeReach judges the answers to what was asked.
func (w *Worker) judgeReach(now time.Time, v macvlan.State, r *reach) {
	reached, control := w.lookout.answered(v.Link.Index)
	r.until = time.Time{}
	switch {
	case reached:
		r.misses = 0
		w.warn(v.Instance, event.WarnUnreached, v.Below, "")
	case control:
		if r.misses++; r.misses >= reachMisses {
			w.warn(v.Instance, event.WarnUnreached, v.Below, fmt.Sprintf(
				"stations on %s answer to the interface's own MAC, and none to the virtual MAC %s: the switch port or the hypervisor lets only one MAC through; allow %s there (port security, MAC spoofing, forged transmits), or set virtual_mac: false on all routers",
				v.Below, writeMAC(v.MAC), writeMAC(v.MAC)))
			break
		}
		r.next = now.Add(reachAgain)
	}
}
