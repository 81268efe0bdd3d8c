// Package heard remembers the other routers that a virtual router has heard: who else is Active, who
// does not understand its adverts, and how many routers there are.
package heard

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
)

// Active is another Active, as it was last heard. It is known until the Active_Down_Interval
// of its last advert has passed; the zero value means that there is none.
type Active struct {
	Source   netip.Addr
	Interval time.Duration
	// Since is the instant of the first of the adverts that came without a gap, At
	// that of the last one, and count how many came after the first.
	Since time.Time
	At    time.Time
	count int
	// Priority is that of the last advert, and Highest the greatest of them all.
	Priority uint8
	Highest  uint8
	// Lost is set when we yielded to it while it served alone, as we did.
	Lost bool
	// logged and loggedUnheard report whether it was logged as a rival, and as one that
	// goes on although we answer.
	logged        bool
	loggedUnheard bool
}

// Until returns the instant from which an Active is not known any more. The intervals are
// those of the router that hears it.
func (a *Active) Until(t vrrp.Timing) time.Time { return a.At.Add(t.ActiveDownInterval(a.Interval)) }

// Known reports whether there is an Active, and it is on the air at the instant now.
func (a *Active) Known(now time.Time, t vrrp.Timing) bool {
	return a.Source.IsValid() && now.Before(a.Until(t))
}

// LogRival reports whether the Active is to be logged as a rival, now that an advert of it
// was heard: once, and once more when it has sent more adverts than may be missed. Then it
// goes on although we answer, and ours do not seem to reach it.
func (a *Active) LogRival(miss int) (log, unheard bool) {
	unheard = a.count > miss
	if a.logged && (!unheard || a.loggedUnheard) {
		return false, unheard
	}
	a.logged, a.loggedUnheard = true, unheard
	return true, unheard
}

// Others are the other routers that advertise the same virtual router. The zero value is
// that none was heard.
type Others struct {
	// Best is the best Active that is heard, or while we are Active the best rival.
	Best Active
	// Second is an Active that is worse than Best, and was heard after Best last was: it
	// may be the one that serves where Best has fallen silent. It is nil if there is none.
	Second *Active
	// Incompatible are those that do not understand our adverts.
	Incompatible Incompatible
}

// Hear notes a valid advert: its sender is Best, unless a better Active is still known.
func (o *Others) Hear(h *vrrp.Heard, t vrrp.Timing) {
	at, a := h.Cause.At, &o.Best
	gone := !a.Known(at, t)
	switch {
	case a.Source == h.Source && !gone:
		a.count += max(1, h.Repeats)
	case gone || h.Priority > a.Priority || h.Priority == a.Priority && a.Source.Less(h.Source):
		*a = Active{Source: h.Source, Since: at, count: 1}
	default:
		o.Second = &Active{Source: h.Source, Priority: h.Priority, Interval: h.Interval, At: at}
		return
	}
	o.Second = nil
	a.Priority, a.Interval, a.At = h.Priority, h.Interval, at
	a.Highest = max(a.Highest, h.Priority)
}

// Resigned notes that a router has resigned. While Best is known only its own resignation is
// believed, since another may resign beside it: then ok is false. Else Best is forgotten, and
// what it was is returned.
func (o *Others) Resigned(source netip.Addr, now time.Time, t vrrp.Timing) (gone Active, ok bool) {
	if o.Second != nil && o.Second.Source == source {
		o.Second = nil
	}
	if o.Best.Known(now, t) && o.Best.Source != source {
		return Active{}, false
	}
	gone, o.Best = o.Best, Active{}
	return gone, true
}

// Forget forgets who else was Active.
func (o *Others) Forget() { o.Best, o.Second = Active{}, nil }

// Until returns the instant from which no other Active counts as heard, whether it
// understands us or not.
func (o *Others) Until(t vrrp.Timing) time.Time {
	until := o.Incompatible.Until
	for _, a := range [...]*Active{&o.Best, o.Second} {
		if a != nil && a.Source.IsValid() && a.Until(t).After(until) {
			until = a.Until(t)
		}
	}
	return until
}

// SendBoth reports whether an advert of the other version comes from an Active that sends
// ours as well (RFC 9568 §8.4): one of those may have been lost.
func (o *Others) SendBoth(h *vrrp.Heard, t vrrp.Timing) bool {
	a := &o.Best
	return a.Source == h.Source && h.Cause.At.Before(a.At.Add(a.Interval+a.Interval/2)) && a.Known(h.Cause.At, t)
}
