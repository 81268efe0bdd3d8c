package sim

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// Port is one router's link to a segment.
type Port struct {
	router    *Router
	name      string // of the router's interface
	segment   *Segment
	at        int             // place among the segment's ports
	instances []*instance     // on it
	own       sources         // its addresses
	sources   sources         // from which adverts leave: its own, or those of another router
	listed    *[]netip.Prefix // those, as the router is told: another list is another pointer
	plugged   bool
	disabled  bool       // set down by a person
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

// sources are the addresses of a port from which adverts may leave, with their subnets.
type sources []netip.Prefix

// has reports whether an address is among them.
func (s sources) has(a netip.Addr) bool {
	for _, p := range s {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// meet reports whether any address is in both.
func (s sources) meet(o sources) bool {
	for _, p := range s {
		if o.has(p.Addr()) {
			return true
		}
	}
	return false
}

// first returns the first one of a family from which adverts may leave by themselves, over IPv6
// a link-local one; zero if there is none.
func (s sources) first(f event.Family) netip.Addr {
	for _, p := range s {
		if a := p.Addr(); event.FamilyOf(a) == f && (f == event.IPv4 || a.IsLinkLocalUnicast()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
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

// usable reports whether the link is up: its cable is in, and nobody has set it down.
func (p *Port) usable() bool { return p.plugged && !p.disabled }

// forwards reports whether frames pass through the port.
func (p *Port) forwards() bool { return p.usable() && !p.segment.world.now.Before(p.opens) }

// reachable reports whether the stations of the segment reach the router through the port, if
// only now and then: not while everything is lost in one direction or in both. What makes a port
// deaf to adverts alone keeps no station away.
func (p *Port) reachable() bool {
	const all = 1
	return p.forwards() && p.Mute < all && (p.Deaf < all || p.filtered) && p.segment.Loss < all
}

func (p *Port) set(plugged bool, learnt time.Duration) {
	if p.plugged != plugged {
		was := p.usable()
		p.plugged = plugged
		p.changed(was, learnt)
	}
}

// changed notes that the link, which was usable or not, may have gone down or come up just now,
// of which the router learns within a while.
func (p *Port) changed(was bool, learnt time.Duration) {
	if p.usable() == was {
		return
	}
	w := p.segment.world
	p.since = w.now
	defer review(p.instances)
	if !p.usable() {
		p.downs++
	} else if b := p.segment.Blocked; b > 0 {
		p.opens = w.now.Add(b)
		w.After(b, p.open)
	}
	w.disturb()
	w.After(w.between(0, learnt), func() {
		if learnt > announced {
			w.disturb() // it moves only now
		}
		p.router.monitor.look(p)
	})
}

// Block has the switch forward nothing through the port for so long.
func (p *Port) Block(long time.Duration) {
	w := p.segment.world
	w.disturb()
	p.opens = w.now.Add(long)
	review(p.instances)
	w.After(long, p.open)
}

// open notes that the port forwards again, if it does.
func (p *Port) open() {
	if w := p.segment.world; p.opens.Equal(w.now) && p.usable() {
		w.disturb() // others hear it only now
		review(p.instances)
	}
}

// SetDeaf has that share of the frames get lost on the way in from now on.
func (p *Port) SetDeaf(share float64) {
	p.segment.world.disturb()
	p.Deaf = share
	review(p.instances)
}

// SetMute has that share of them get lost on the way out.
func (p *Port) SetMute(share float64) {
	p.segment.world.disturb()
	p.Mute = share
	review(p.instances)
}

// Disable sets the link down, as a person does, of which the router learns at once.
func (p *Port) Disable() { p.setDisabled(true) }

// Enable sets it up again.
func (p *Port) Enable() { p.setDisabled(false) }

func (p *Port) setDisabled(disabled bool) {
	was := p.usable()
	p.disabled = disabled
	p.changed(was, time.Millisecond)
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
	review(p.instances)
	p.noticeLater()
}

// noticeLater lets the receiver notice within its period whether the port is deaf.
func (p *Port) noticeLater() {
	r := p.router
	r.later(r.world.between(0, noticedWithin), func() {
		r.world.disturb() // it moves only now
		p.noticed = p.filtered
		for _, in := range p.instances {
			if !r.has(in) {
				continue // the receiver watches for the instances that there are
			}
			r.loop.report(vrrp.Condition{
				Cause: r.minter.Cause(r.world.now), Instance: in.Name, Reason: event.Deaf, On: p.noticed,
			})
		}
	})
}

// SetSources gives a port other source addresses: those of another router, if two
// machines are cloned. While two have one, the others take the adverts of both for those
// of one sender; where they are signed, those of the one whose clock is behind then look
// like replays until it has caught up.
func (p *Port) SetSources(list []netip.Prefix) {
	w := p.segment.world
	w.disturb()
	w.disturbFor(w.spread())
	w.readdressed = w.now
	p.sources, p.listed = list, &list
	p.router.monitor.look(p)
}
