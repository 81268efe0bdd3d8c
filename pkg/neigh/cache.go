package neigh

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/event"
)

// cache holds the observations of the listener's goroutines until the next Apply: the stations on
// the links, the claims of addresses, and which stations answered to a virtual MAC.
type cache struct {
	mu       sync.Mutex
	sets     map[string]*Set // by instance
	stations *stations
	answered []string               // links on which a question was answered
	claims   map[netip.Addr]claim   // the last claim of each configured address
	reach    map[int]*reachQuestion // the question that was asked from a device, by its ifindex
	below    map[int]int            // the ifindex of the link below a device, by the device's
}

// reachQuestion is a question to stations, from a device and from the link below it, with the
// result.
type reachQuestion struct {
	link             int // ifindex of the link below
	stations         []netip.Addr
	toDevice, toLink bool // a station has answered to the device, to the link
}

func newCache(sets []Set, byInstance map[string]*Set, all holders) *cache {
	return &cache{
		sets: byInstance, stations: newStations(sets, all), claims: make(map[netip.Addr]claim),
		reach: make(map[int]*reachQuestion), below: make(map[int]int),
	}
}

// configure takes over new sets, and keeps the stations of the links that stay.
func (c *cache) configure(sets []Set, byInstance map[string]*Set, all holders) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets, c.stations = byInstance, c.stations.with(sets, all)
}

func (c *cache) setLink(l event.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stations.setLink(l)
}

// seen records a sighting. It reports whether that was the answer to a question on a link, and
// whether it contains a claim for Apply.
func (c *cache) seen(s Sighting) (link string, answers, claimed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	link, answers = c.stations.notice(s)
	if below, ok := c.below[s.Index]; ok { // a frame for a device came through the link below
		through := s
		through.Index, through.Answer = below, false
		c.stations.notice(through)
	}
	c.noteReach(s)
	if answers {
		c.answered = appendMissing(c.answered, link)
	}
	return link, answers, c.noteClaim(s)
}

// noteClaim records the claim of a configured address, and reports whether it is the first since
// takeClaims.
func (c *cache) noteClaim(s Sighting) bool {
	a := s.Address.WithZone("")
	if len(c.stations.holders.of(a)) == 0 || s.MAC == [6]byte{} {
		return false
	}
	_, pending := c.claims[a]
	c.claims[a] = claim{address: a, index: s.Index, mac: s.MAC, at: s.At}
	return !pending
}

// takeClaims returns the claims since the last call.
func (c *cache) takeClaims() []claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.claims) == 0 {
		return nil
	}
	all := make([]claim, 0, len(c.claims))
	for _, one := range c.claims {
		all = append(all, one)
	}
	clear(c.claims)
	return all
}

// takeAnswered returns the links on which a question was answered since the last call.
func (c *cache) takeAnswered() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	links := c.answered
	c.answered = nil
	return links
}

// heard records the senders of adverts.
func (c *cache) heard(adverts []Advert) {
	if len(adverts) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range adverts {
		set := c.sets[a.Instance]
		if set == nil {
			continue
		}
		if at := c.stations.links[set.Link]; c.stations.remember(at, a.Source, [6]byte{}, false) {
			at.heard(a.At)
			if known := &at.known[0]; known.address == a.Source.WithZone("") {
				known.router = true
			}
		}
	}
}

// knownStations returns the last fact about a link, and the stations that are known on it.
func (c *cache) knownStations(name string) (event.Link, []station) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.stations.links[name]; at != nil {
		return at.link, slices.Clone(at.known)
	}
	return event.Link{}, nil
}

// link returns the last fact about a link that carries adverts.
func (c *cache) link(name string) event.Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.stations.links[name]; at != nil {
		return at.link
	}
	return event.Link{}
}

// ask returns the stations to ask on a link. seen reports the first answer.
func (c *cache) ask(name string, now time.Time) (event.Link, []netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stations.ask(name, now)
}

// groups returns the last fact about a link, and the groups of which it is a member.
func (c *cache) groups(name string) (event.Link, []netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stations.groups(name)
}

// lastHeard returns the last fact about a link, when a station was last heard on it, and how many
// stations should answer.
func (c *cache) lastHeard(name string) (link event.Link, heard time.Time, stations int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.stations.links[name]
	if at == nil {
		return event.Link{}, heard, 0
	}
	return at.link, at.heardAt, at.resolved()
}

// askable returns up to n stations that can be asked on a link. Unlike with ask, an answer is not a
// proof that the segment forwards.
func (c *cache) askable(name string, n int) []netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stations.links[name].askable(n)
}

// otherStations returns up to n stations that can be asked on a link and do not have that MAC.
func (c *cache) otherStations(name string, mac [6]byte, n int) []netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.stations.links[name]; at != nil {
		return at.otherStations(mac, n)
	}
	return nil
}

// sameFamily returns a link, and up to n stations on it that can be asked from an address.
func (c *cache) sameFamily(name string, from netip.Addr, n int) (event.Link, []netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.stations.links[name]
	if at == nil {
		return event.Link{}, nil
	}
	var stations []netip.Addr
	for _, known := range at.known {
		if len(stations) < n && answersTo(known.address, from) {
			stations = append(stations, known.address)
		}
	}
	return at.link, stations
}

// answersTo reports whether a station can be asked from an address of a device: it is of the same
// family and, over IPv6, on the same link.
func answersTo(station, from netip.Addr) bool {
	return station.Is4() == from.Is4() && (station.Is4() || station.IsLinkLocalUnicast())
}

// setBelow records the link below a device.
func (c *cache) setBelow(device, link int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.below[device] = link
}

// expectReach records the stations that are asked from a device and from the link below.
func (c *cache) expectReach(device, link int, stations []netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reach[device] = &reachQuestion{link: link, stations: stations}
	c.below[device] = link
}

// takeReach ends the question, and returns whether any station has answered to the device, and to
// the link below.
func (c *cache) takeReach(device int) (toDevice, toLink bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.reach[device]
	delete(c.reach, device)
	return q != nil && q.toDevice, q != nil && q.toLink
}

func (c *cache) noteReach(s Sighting) {
	if !s.Answer {
		return
	}
	for device, q := range c.reach {
		if slices.Contains(q.stations, s.Address.WithZone("")) {
			q.toDevice = q.toDevice || s.Index == device
			q.toLink = q.toLink || s.Index == q.link
		}
	}
}
