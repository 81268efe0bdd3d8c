// Package heard remembers the other routers that a virtual router has heard: the Actives, the
// routers that do not understand its adverts, and whether there are more than two routers.
package heard

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
)

// Active is another Active, as it was last heard. It is known until the Active_Down_Interval
// after its last advert has passed; the zero value means that there is none.
type Active struct {
	Source   netip.Addr
	Interval time.Duration
	// Since is the instant of the first advert of the present series without a gap, At that of
	// the last one, and count the number of adverts in the series.
	Since time.Time
	At    time.Time
	count int
	// Priority is the priority of the last advert, and Highest the highest of the series.
	Priority uint8
	Highest  uint8
	// Lost is set when this router yielded to the Active in a tie while both served alone.
	Lost bool
	// logged and loggedUnheard report whether the Active was logged as a rival, and as one that
	// goes on although this router answers.
	logged        bool
	loggedUnheard bool
}

// Until returns the instant from which the Active is no longer known. The timing is that of the
// router that hears it.
func (a *Active) Until(t vrrp.Timing) time.Time { return a.At.Add(t.ActiveDownInterval(a.Interval)) }

// Known reports whether there is an Active that counts as present at the instant now.
func (a *Active) Known(now time.Time, t vrrp.Timing) bool {
	return a.Source.IsValid() && now.Before(a.Until(t))
}

// Advertiser returns the Active as the sender of its last advert.
func (a *Active) Advertiser() vrrp.Advertiser {
	return vrrp.Advertiser{Source: a.Source, Priority: a.Priority, Interval: a.Interval}
}

// LogRival reports whether the Active must be logged as a rival after an advert of it was heard:
// once, and once more when it has sent more adverts than may be missed. Then it goes on although
// this router answers: the answers do not seem to reach it, and it is unheard.
func (a *Active) LogRival(miss int) (log, unheard bool) {
	unheard = a.count > miss
	if a.logged && (!unheard || a.loggedUnheard) {
		return false, unheard
	}
	a.logged, a.loggedUnheard = true, unheard
	return true, unheard
}

// Others are the other routers that advertise the same virtual router. In the zero value no
// router was heard.
type Others struct {
	// Best is the best Active that is heard. While this router is Active that is its best rival.
	Best Active
	// Second is an Active that is worse than Best and was heard after Best last was: it may serve
	// if Best has fallen silent. It is nil if there is none.
	Second *Active
	// Incompatible are the routers that do not understand our adverts.
	Incompatible Incompatible
}

// Hear records a valid advert: its sender becomes Best, unless a better Active is still known.
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

// Resigned records that a router has resigned. While Best is known only its own resignation
// counts, since another router may resign at the same time: then ok is false. Otherwise Best is
// reset, and its last value is returned.
func (o *Others) Resigned(source netip.Addr, now time.Time, t vrrp.Timing) (gone Active, ok bool) {
	if o.IsSecond(source) {
		o.Second = nil
	}
	if o.Best.Known(now, t) && o.Best.Source != source {
		return Active{}, false
	}
	gone, o.Best = o.Best, Active{}
	return gone, true
}

// IsSecond reports whether a router is the second Active.
func (o *Others) IsSecond(source netip.Addr) bool {
	return o.Second != nil && o.Second.Source == source
}

// Forget forgets the other Actives.
func (o *Others) Forget() { o.Best, o.Second = Active{}, nil }

// Until returns the instant from which no other Active counts as present, compatible or not.
func (o *Others) Until(t vrrp.Timing) time.Time {
	until := o.Incompatible.Until
	for _, a := range [...]*Active{&o.Best, o.Second} {
		if a != nil && a.Source.IsValid() && a.Until(t).After(until) {
			until = a.Until(t)
		}
	}
	return until
}

// SendBoth reports whether an advert of the other version comes from an Active that sends our
// version as well (RFC 9568 §8.4). It tolerates one lost advert of our version.
func (o *Others) SendBoth(h *vrrp.Heard, t vrrp.Timing) bool {
	a := &o.Best
	return a.Source == h.Source && h.Cause.At.Before(a.At.Add(a.Interval+a.Interval/2)) && a.Known(h.Cause.At, t)
}
