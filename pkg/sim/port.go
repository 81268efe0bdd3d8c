package sim

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Port is one router's link to a segment.
type Port struct {
	router    *Router
	name      string // of the router's interface
	segment   *Segment
	at        int         // place among the segment's ports
	instances []*instance // on it
	own       netip.Addr
	address   netip.Addr // that adverts bear: own, or that of another router
	plugged   bool
	since     time.Time  // when it was last pulled or plugged
	opens     time.Time  // when it forwards again after the plug
	downs     int        // how often it was pulled
	known     bool       // what the router knows of plugged
	seen      event.Link // as the router last saw it
	counted   int        // what it knows of downs
	met       []bool     // which ports of the segment it remembers, by their places

	// Deaf and Mute are the shares of frames that get lost on the way in and out,
	// of a cable that is damaged in one direction. Refuses is set while the kernel
	// refuses to send, as with a firewall.
	Deaf, Mute float64
	Refuses    bool
	filtered   bool      // it hears nothing, and the receiver notices that
	noticed    bool      // the receiver has
	mended     time.Time // when it last stopped to refuse
	// Late is how long the loss of the carrier may go unnoticed unless the kernel
	// is asked; zero: until the next round of the confirmer.
	Late time.Duration
	// proved is when a station was last known to have answered.
	proved time.Time
}

// Bounds of the time until a router learns of its cable: the period of the confirmer, and
// what the kernel needs to announce a carrier; and that a port is deaf.
const (
	confirmed     = 12 * time.Millisecond
	announced     = 50 * time.Millisecond
	noticedWithin = time.Second
)

// String returns the router and the interface.
func (p *Port) String() string { return p.router.Name + " " + p.name }

// Pull takes the cable out: traffic stops at once; the router learns it within
// the period of its confirmer, or when it asks.
func (p *Port) Pull() { p.set(false, max(confirmed, p.Late)) }

// Plug puts the cable in.
func (p *Port) Plug() { p.set(true, announced) }

// Plugged reports whether the cable is in.
func (p *Port) Plugged() bool { return p.plugged }

// forwards reports whether frames pass through the port.
func (p *Port) forwards() bool { return p.plugged && !p.segment.world.now.Before(p.opens) }

func (p *Port) set(plugged bool, learnt time.Duration) {
	if p.plugged == plugged {
		return
	}
	w := p.segment.world
	p.plugged, p.since = plugged, w.now
	if !plugged {
		p.downs++
	} else if b := p.segment.Blocked; b > 0 {
		p.opens = w.now.Add(b)
		w.After(b, func() {
			if p.opens.Equal(w.now) && p.plugged {
				w.disturb() // others hear it only now
			}
		})
	}
	w.disturb()
	w.After(w.between(0, learnt), func() {
		if learnt > announced {
			w.disturb() // it moves only now
		}
		p.router.look(p)
	})
}

// Deafen makes a port hear nothing, though its link is up, which the receiver notices
// (a membership that is gone, a filter).
func (p *Port) Deafen() { p.setFiltered(true) }

// Listen makes it hear again.
func (p *Port) Listen() { p.setFiltered(false) }

func (p *Port) setFiltered(filtered bool) {
	p.segment.world.disturb()
	if p.filtered, p.Deaf = filtered, 0; filtered {
		p.Deaf = 1
	}
	p.noticeLater()
}

// noticeLater lets the receiver notice within its period whether the port is deaf.
func (p *Port) noticeLater() {
	r := p.router
	r.later(r.world.between(0, noticedWithin), func() {
		r.world.disturb() // it moves only now
		p.noticed = p.filtered
		for _, in := range p.instances {
			if !slices.Contains(r.instances, in) {
				continue // the receiver watches for the instances that there are
			}
			r.report(vrrp.Condition{
				Cause: r.minter.Cause(r.world.now), Instance: in.Name, Reason: event.Deaf, On: p.noticed,
			})
		}
	})
}

// SetAddress gives a port another source address: that of another router, if two
// machines are cloned. While two have one, the others take the adverts of both for those
// of one sender; where they are signed, those of the one whose clock is behind then look
// like replays until it has caught up.
func (p *Port) SetAddress(a netip.Addr) {
	w := p.segment.world
	w.disturb()
	w.disturbFor(w.spread())
	w.readdressed = w.now
	p.address = a
	p.router.look(p)
}
