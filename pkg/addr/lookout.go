package addr

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
)

// lookout keeps the memory of stations for those who notice them, on their
// goroutines, and for the worker, on its own.
type lookout struct {
	cfg   Config
	links map[string]string // by instance: the link that carries its adverts
	heard *bus.Ring[vrrp.Heard]
	// report has the memberships of a link reported; it is called on any goroutine.
	report func(link string)

	bell bus.Bell // rung for claims

	mu       sync.Mutex
	stations *stations
	claims   map[netip.Addr]claim // of configured addresses, the last of each
	asked    map[int]*asking      // by the index of a device: what was asked from its MAC
	below    map[int]int          // by the index of a device from whose MAC was asked: that of the link below
}

// The senders of adverts are looked at now and then, not at each advert: of many
// adverts in sendersEvery the last advertsMax tell who is there.
const (
	sendersEvery = time.Second
	advertsMax   = 1024
)

func newLookout(cfg Config, bell bus.Bell, report func(link string)) *lookout {
	o := &lookout{
		cfg: cfg, bell: bell, report: report, links: make(map[string]string), stations: newStations(cfg.Sets), claims: make(map[netip.Addr]claim), asked: make(map[int]*asking), below: make(map[int]int),
	}
	for _, set := range cfg.Sets {
		o.links[set.Instance] = set.Link
	}
	o.heard = bus.SubscribeRing(cfg.Heard, bus.NewBell(), advertsMax) // nobody waits at this bell
	return o
}

// start begins to listen; the function that it returns ends that and waits.
func (o *lookout) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { o.cfg.Listener.Listen(ctx, o.seen) })
	running.Go(func() {
		tick := time.NewTicker(sendersEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				o.senders()
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

func (o *lookout) link(l event.Link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stations.see(l)
}

// seen takes a station, and publishes that the segment forwards if that was the
// answer to a question of ours. The kernel may have asked the station too, after a
// report of ours was lost at a port that did not forward yet: from now on it gets
// through, so the memberships are reported once more, as the wait begins anew.
func (o *lookout) seen(s neigh.Sighting) {
	o.mu.Lock()
	link, answers := o.stations.notice(s)
	if below, ok := o.below[s.Index]; ok { // what a device hears came through the link below
		through := s
		through.Index, through.Answer = below, false
		o.stations.notice(through)
	}
	claims := o.noteClaim(s)
	o.noteAnswer(s)
	o.mu.Unlock()
	if claims {
		o.bell.Ring()
	}
	if answers {
		o.report(link)
		o.cfg.Results.Publish(vrrp.Forwards{Cause: o.cfg.Minter.Cause(s.At), Interface: link})
	}
}

// noteClaim notes that a station has an address which instances hold, and reports
// whether the worker does not know that already.
func (o *lookout) noteClaim(s neigh.Sighting) bool {
	a := s.Address.WithZone("")
	if !o.stations.ours[a] || s.MAC == [6]byte{} {
		return false
	}
	_, pending := o.claims[a]
	o.claims[a] = claim{address: a, index: s.Index, mac: s.MAC, at: s.At}
	return !pending
}

// takeClaims returns the claims since it was last called.
func (o *lookout) takeClaims() []claim {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]claim, 0, len(o.claims))
	for _, c := range o.claims {
		all = append(all, c)
	}
	clear(o.claims)
	return all
}

// linkNamed returns what is known of a link that carries adverts.
func (o *lookout) linkNamed(name string) event.Link {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := o.stations.links[name]; at != nil {
		return at.link
	}
	return event.Link{}
}

// asking is what stations were asked from a virtual MAC, and from the MAC of the link
// below, and whether any answered.
type asking struct {
	link             int // ifindex of the link below
	whom             []netip.Addr
	reached, control bool // one answered to the virtual MAC, to the link's
}

// some returns a link and up to n stations on it of the family of an address.
func (o *lookout) some(name string, like netip.Addr, n int) (event.Link, []netip.Addr) {
	o.senders()
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.stations.links[name]
	if at == nil {
		return event.Link{}, nil
	}
	var whom []netip.Addr
	for _, known := range at.known {
		if a := known.address; a.Is4() == like.Is4() && len(whom) < n && (a.Is4() || a.IsLinkLocalUnicast()) {
			whom = append(whom, a)
		}
	}
	return at.link, whom
}

// expect notes what is asked from the device and from the link below.
func (o *lookout) expect(device, link int, whom []netip.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[device] = &asking{link: link, whom: whom}
	o.below[device] = link
}

// stands notes which link a device stands on.
func (o *lookout) stands(device, link int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.below[device] = link
}

// answered returns what came of it, and ends it.
func (o *lookout) answered(device int) (reached, control bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.asked[device]
	delete(o.asked, device)
	return q != nil && q.reached, q != nil && q.control
}

func (o *lookout) stopAsking(device int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.asked, device)
}

func (o *lookout) noteAnswer(s neigh.Sighting) {
	if !s.Answer {
		return
	}
	for device, q := range o.asked {
		if !slices.Contains(q.whom, s.Address.WithZone("")) {
			continue
		}
		q.reached = q.reached || s.Index == device
		q.control = q.control || s.Index == q.link
	}
}

// ask gives whom to ask on a link.
func (o *lookout) ask(name string) (event.Link, []netip.Addr) {
	o.senders()
	now := o.cfg.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stations.ask(name, now)
}

// silence returns what is known of a link, when a station was last heard on it, and
// of how many stations an answer can be expected.
func (o *lookout) silence(name string) (link event.Link, heard time.Time, stations int) {
	o.senders()
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.stations.links[name]
	if at == nil {
		return event.Link{}, heard, 0
	}
	return at.link, at.heard, at.resolved()
}

// askable returns up to n stations that can be asked on a link. Their answers are no
// proof that the segment forwards, as those to ask are.
func (o *lookout) askable(name string, n int) []netip.Addr {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stations.links[name].askable(n)
}

// groups returns what is known of a link, and the groups that it is a member of.
func (o *lookout) groups(name string) (event.Link, []netip.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stations.groups(name)
}

// senders remembers who sent adverts.
func (o *lookout) senders() {
	o.mu.Lock()
	defer o.mu.Unlock()
	adverts, _ := o.heard.Take() // within the lock: the worker and the ticker are one reader
	for _, h := range adverts {
		if at := o.stations.links[o.links[h.Instance]]; at != nil {
			if o.stations.remember(at, h.Source, false) {
				at.hear(h.Cause.At)
			}
		}
	}
}
