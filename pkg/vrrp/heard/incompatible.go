package heard

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
)

// Routers of VRRPv2 and VRRPv3 do not understand each other: each discards the
// adverts of the other (RFC 9568 §7.1), takes the silence for the end of the
// Active, and there are two. So do routers that sign their adverts and whose
// clocks are apart. So a Backup for whose virtual router valid adverts of the
// other version come, or authentic ones that are stale and prove that their
// sender is there (pkg/advert/validate), stays Backup, whatever their priority: the first
// that serves goes on to, and both sides log it as an error. When none has come for an
// Active_Down_Interval, it goes on.
//
// Their priority 0 changes nothing: the router that resigns may have a Backup that goes
// Active. An Active only logs it: the two cannot agree which is to yield, and if it did the
// other might as well. But an Active that was paused yields: the router that took over was
// not, and the clock of a machine that was paused is behind when it goes on. So does an
// Active whose sends fail. An owner is held back by nobody. If an Active that we understand
// sends both versions (RFC 9568 §8.4), those of the other are ignored. Where ours
// cease, it has changed its version: they hold us before the silence lets us take over.

// Incompatible remembers the adverts of routers that do not understand us.
type Incompatible struct {
	Until    time.Time     // their sender counts as Active until then
	Holds    time.Time     // a wait cannot end before, because of them; past while Active
	At       time.Time     // when the last one was heard
	Source   netip.Addr    // of the last one
	Interval time.Duration // of the last one
	logged   time.Time     // when they were last logged
}

// logEvery is how often they are logged as long as they come.
const logEvery = time.Minute

// Hear notes an advert, and reports whether it is time to log it (Logged).
func (i *Incompatible) Hear(h *vrrp.Heard, now time.Time, t vrrp.Timing) (log bool) {
	log = !now.Before(i.Until) || now.Sub(i.logged) >= logEvery
	if until := h.Cause.At.Add(t.ActiveDownInterval(h.Interval)); until.After(i.Until) {
		i.Until = until
	}
	i.At, i.Source, i.Interval = h.Cause.At, h.Source, h.Interval
	return log
}

// Logged notes that they were logged.
func (i *Incompatible) Logged(now time.Time) { i.logged = now }

// Hold keeps the router Backup for as long as their sender counts as Active.
func (i *Incompatible) Hold() { i.Holds = i.Until }

// Believe forgets the adverts of a sender that is understood now.
func (i *Incompatible) Believe(source netip.Addr) {
	if i.Source == source {
		*i = Incompatible{}
	}
}
