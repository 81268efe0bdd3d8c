package heard

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
)

// Routers of VRRPv2 and VRRPv3 do not understand each other: each discards the adverts of the
// other (RFC 9568 §7.1), takes the silence for the end of the Active, and there are two Actives.
// The same happens to routers that sign their adverts and whose clocks differ. So a Backup stays
// Backup while valid adverts of the other version arrive for its virtual router, or authentic
// ones that are stale and prove that their sender is present (pkg/advert/validate), whatever
// their priority: the router that serves first goes on serving, and both routers log an error.
// When none has arrived for an Active_Down_Interval, the wait goes on.
//
// Their priority 0 changes nothing: the router that resigns may have a Backup that goes
// Active. An Active only logs such adverts: the two cannot agree which of them should yield, and
// if this one did, the other might do the same. There are exceptions. An Active that was paused
// yields: the router that took over was not paused, and the clock of a machine that was paused is
// behind when it runs again. So does an Active whose sends fail. An owner never waits. If a
// compatible Active sends both versions (RFC 9568 §8.4), its adverts of the other version are
// ignored. When its adverts of our version cease, it has changed its version: then the others
// keep this router in Backup before the silence lets it take over.

// Incompatible remembers the adverts of routers that do not understand ours.
type Incompatible struct {
	Until    time.Time     // their sender counts as Active until then
	Holds    time.Time     // a wait cannot end before, because of these adverts; in the past while this router is Active
	At       time.Time     // when the last one was heard
	Source   netip.Addr    // the sender of the last one
	Interval time.Duration // the interval of the last one
	Reason   string        // why the last one is incompatible: its HoldReason
	logged   time.Time     // when they were last logged
}

// logEvery is the interval at which the adverts are logged while they arrive.
const logEvery = time.Minute

// Hear records an advert, and reports whether it is time to log it (Logged).
func (i *Incompatible) Hear(h *vrrp.Heard, now time.Time, t vrrp.Timing) (log bool) {
	log = !now.Before(i.Until) || now.Sub(i.logged) >= logEvery
	if until := h.Cause.At.Add(t.ActiveDownInterval(h.Interval)); until.After(i.Until) {
		i.Until = until
	}
	i.At, i.Source, i.Interval, i.Reason = h.Cause.At, h.Source, h.Interval, h.HoldReason()
	return log
}

// Logged records that the adverts were logged.
func (i *Incompatible) Logged(now time.Time) { i.logged = now }

// Hold keeps the router in Backup for as long as their sender counts as Active.
func (i *Incompatible) Hold() { i.Holds = i.Until }

// Believe forgets the adverts of a sender whose adverts are compatible now.
func (i *Incompatible) Believe(source netip.Addr) {
	if i.Source == source {
		*i = Incompatible{}
	}
}
