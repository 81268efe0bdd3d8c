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
	at        int             // position among the segment's ports
	instances []*instance     // on this port
	own       sources         // its addresses
	sources   sources         // source addresses of adverts: its own, or those of another router
	listed    *[]netip.Prefix // the same as reported to the router: a different list has a different pointer
	plugged   bool
	disabled  bool       // set down by a person
	since     time.Time  // when it was last pulled or plugged
	opens     time.Time  // when it forwards again after the plug
	downs     int        // how often it was pulled
	known     bool       // the value of plugged as far as the router knows
	seen      event.Link // as the router last saw it
	counted   int        // the value of downs as far as the router knows
	met       []bool     // by position: the ports of the segment that it remembers

	// Deaf and Mute are the shares of frames that are lost on the way in and out, as with a cable
	// that is damaged in one direction. Refuses is set while the kernel refuses to send, as with
	// a firewall.
	Deaf, Mute float64
	Refuses    bool
	filtered   bool      // it receives nothing, and the receiver notices that
	noticed    bool      // the receiver has noticed it
	mended     time.Time // when the kernel last stopped refusing
	// Late is how long the loss of the carrier may go unnoticed unless the kernel is asked; zero
	// if until the next round of the confirmer.
	Late time.Duration
	// proved is when a station was last known to have answered.
	proved time.Time
}

// sources are the possible source addresses of adverts on a port, with their subnets.
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

// first returns the first address of a family that can be a source by default, over IPv6 a
// link-local one; zero if there is none.
func (s sources) first(f event.Family) netip.Addr {
	for _, p := range s {
		if a := p.Addr(); event.FamilyOf(a) == f && (f == event.IPv4 || a.IsLinkLocalUnicast()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// These are bounds of the time until a router notices the state of its cable: the period of the
// confirmer, and the time that the kernel needs to announce a carrier; and that a port is deaf.
const (
	confirmed     = 12 * time.Millisecond
	announced     = 50 * time.Millisecond
	noticedWithin = time.Second
)

// String returns the router and the interface.
func (p *Port) String() string { return p.router.Name + " " + p.name }

// Pull pulls the cable: traffic stops at once; the router notices it within the period of its
// confirmer, or when it asks.
func (p *Port) Pull() { p.set(false, max(confirmed, p.Late)) }

// Plug plugs the cable in.
func (p *Port) Plug() { p.set(true, announced) }

// Plugged reports whether the cable is plugged in.
func (p *Port) Plugged() bool { return p.plugged }

// usable reports whether the link is up: its cable is plugged in, and it is not set down.
func (p *Port) usable() bool { return p.plugged && !p.disabled }

// forwards reports whether frames pass through the port.
func (p *Port) forwards() bool { return p.usable() && !p.segment.world.now.Before(p.opens) }

// reachable reports whether the stations of the segment reach the router through the port, at
// least sometimes: not while everything is lost in one direction or in both. A problem that only
// affects the reception of adverts does not count.
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

// changed records that the link, which was usable or not, may have gone down or come up just now,
// which the router notices a little later.
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

// Block makes the switch forward nothing through the port for a time.
func (p *Port) Block(long time.Duration) {
	w := p.segment.world
	w.disturb()
	p.opens = w.now.Add(long)
	review(p.instances)
	w.After(long, p.open)
}

// open records that the port forwards again, if it does.
func (p *Port) open() {
	if w := p.segment.world; p.opens.Equal(w.now) && p.usable() {
		w.disturb() // others receive from it only now
		review(p.instances)
	}
}

// SetDeaf sets the share of the frames that are lost on the way in.
func (p *Port) SetDeaf(share float64) {
	p.segment.world.disturb()
	p.Deaf = share
	review(p.instances)
}

// SetMute sets the share of the frames that are lost on the way out.
func (p *Port) SetMute(share float64) {
	p.segment.world.disturb()
	p.Mute = share
	review(p.instances)
}

// Disable sets the link down, as a person does, which the router notices at once.
func (p *Port) Disable() { p.setDisabled(true) }

// Enable sets it up again.
func (p *Port) Enable() { p.setDisabled(false) }

func (p *Port) setDisabled(disabled bool) {
	was := p.usable()
	p.disabled = disabled
	p.changed(was, time.Millisecond)
}

// Deafen makes a port receive nothing although its link is up, which the receiver notices (a lost
// membership, a filter).
func (p *Port) Deafen() { p.setFiltered(true) }

// Listen makes it receive again.
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
				continue // the receiver only watches for present instances
			}
			r.loop.report(vrrp.Condition{
				Cause: r.minter.Cause(r.world.now), Instance: in.Name, Reason: event.Deaf, On: p.noticed,
			})
		}
	})
}

// SetSources gives a port other source addresses: those of another router, if two machines are
// clones. While two ports have the same one, the other routers take the adverts of both for those
// of one sender; if they are signed, those of the one whose clock is behind then look like
// replays until it has caught up.
func (p *Port) SetSources(list []netip.Prefix) {
	w := p.segment.world
	w.disturb()
	w.disturbFor(w.spread())
	w.readdressed = w.now
	p.sources, p.listed = list, &list
	p.router.monitor.look(p)
}
