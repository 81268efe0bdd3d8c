package neigh

import (
	"net/netip"
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// Set is the part of an instance's configuration that the Monitor needs.
type Set struct {
	Instance  string
	Link      string     // the link that carries its adverts
	Group     netip.Addr // the multicast group of the adverts; zero if they are unicast
	MAC       [6]byte    // its virtual MAC; zero if it has none
	Owner     bool       // its addresses are those of this router itself (priority 255)
	Addresses []Address
}

// Address is one address that an instance holds while Active.
type Address struct {
	netip.Addr
	// Link is the link on which stations find the address.
	Link string
	// Virtual reports that the address is at the virtual MAC, on the instance's own device above
	// Link.
	Virtual bool
}

// Advert is a received advert: its sender is a station.
type Advert struct {
	Instance string
	Source   netip.Addr
	At       time.Time
}

// Stray is the place of an instance's address that ripcord did not add.
type Stray struct {
	Index  int // ifindex
	Prefix netip.Prefix
}

// Holdings provides what this router holds now. Apply calls it, on its goroutine.
type Holdings interface {
	// Held returns the held instances, in the order of their orders.
	Held() []string
	// Holds reports whether an instance is held.
	Holds(instance string) bool
	// InPlace reports whether the n-th address of an instance is held and in place.
	InPlace(instance string, n int) bool
	// Devices yields, for each instance with a virtual MAC, the link that has it; its Index is 0
	// while the link does not exist.
	Devices(yield func(instance string, device event.Link) bool)
	// Strays returns the configured addresses that exist without having been added by ripcord.
	Strays() map[netip.Addr]Stray
}

// Config is the configuration of a Monitor.
type Config struct {
	Sets   []Set
	Sender Sender
	// Adverts returns the adverts received since the last call; they are valid until the next call.
	// Apply calls it at least once in advertsEvery.
	Adverts func() []Advert
	// Forwards is called when a station has answered an Ask on a link, which proves that the
	// segment forwards. It is called on the goroutine that called Seen; at is when the answer was
	// received.
	Forwards func(link string, at time.Time)
	// Wake is called, from any goroutine, when Apply has something to do at once.
	Wake func()
	// Setting reads a setting of the kernel, below net; nil if none can be read.
	Setting  func(key string) (string, error)
	Warnings *event.Warnings
	Minter   *event.Minter
}

// Monitor observes the stations on the links that carry adverts: which are present, whether they
// answer for addresses that are held here, and whether frames come through.
//
// Seen and OtherStations may be called from any goroutine. The other methods are called by the
// goroutine that holds the addresses: Configure when the configuration has changed, Link for each
// fact about a link, and Apply after those and after Ask, at each Deadline and after each Wake.
type Monitor struct {
	cfg        Config
	sets       map[string]*Set // by instance
	holders    holders
	cache      *cache
	locals     locals
	batch      Batch
	nextAdvert time.Time // when Apply has to read the adverts

	claims  *claims
	strays  strays
	proxies proxies
	reaches reaches
	silence silences

	ask []string // the links whose stations Apply asks
}

// advertsEvery is the longest time between two readings of the adverts.
const advertsEvery = 5 * time.Second

// NewMonitor returns a Monitor without stations. It starts nothing.
func NewMonitor(cfg Config) *Monitor {
	m := &Monitor{
		cfg: cfg, sets: byInstance(cfg.Sets), holders: newHolders(cfg.Sets), locals: make(locals),
		claims: newClaims(), strays: make(strays), reaches: make(reaches), silence: newSilences(),
	}
	m.cache = newCache(cfg.Sets, m.sets, m.holders)
	return m
}

func byInstance(sets []Set) map[string]*Set {
	all := make(map[string]*Set)
	for i := range sets {
		all[sets[i].Instance] = &sets[i]
	}
	return all
}

// Ask makes the next Apply ask the stations on some links. The first answer on a link proves that
// its segment forwards. A question that cannot be sent is not answered, so Ask is called again.
func (m *Monitor) Ask(links ...string) { m.ask = appendMissing(m.ask, links...) }

// Seen records a sighting of a listener.
func (m *Monitor) Seen(s Sighting) {
	link, forwards, claimed := m.cache.seen(s)
	if claimed || forwards {
		m.cfg.Wake()
	}
	if forwards {
		m.cfg.Forwards(link, s.At)
	}
}

// OtherStations returns up to n stations of a link that can be asked, except the one with that MAC.
// It may be called from any goroutine.
func (m *Monitor) OtherStations(link string, mac [6]byte, n int) []netip.Addr {
	return m.cache.otherStations(link, mac, n)
}

// Link records a fact about a link of this machine.
func (m *Monitor) Link(l event.Link) {
	m.cache.setLink(l)
	m.locals.set(l)
}

// Apply asks, probes and evaluates what is due.
func (m *Monitor) Apply(now time.Time, held Holdings) {
	m.nextAdvert = deadline.Coalesce(now, advertsEvery)
	m.cache.heard(m.cfg.Adverts())
	m.sendQuestions(now)
	t := &turn{m, now, held}
	t.findConflicts()
	t.findStrays()
	t.proxies.check(t)
	t.checkReach()
	t.silence.check(t)
}

// Deadline returns when Apply has something to do if nothing happens; false: never.
func (m *Monitor) Deadline(now time.Time) (due time.Time, ok bool) {
	earlier := func(t time.Time, yes bool) {
		if yes && (!ok || t.Before(due)) {
			due, ok = t, true
		}
	}
	earlier(m.nextAdvert, len(m.sets) > 0)
	earlier(m.claims.deadline())
	earlier(m.strays.deadline(now))
	earlier(m.proxies.next, m.cfg.Setting != nil)
	earlier(m.reaches.deadline())
	earlier(m.silence.next, len(m.silence.links) > 0)
	return due, ok
}

// sendQuestions sends the questions of Ask, after reports of the memberships: a switch that snoops
// multicast drops a port's groups with its carrier, and does not ask for them before 10 s, while
// answers are unicast and pass. So an answer shows that the switch has received the report, as the
// proof that a segment forwards must be about the adverts' group.
//
// It also reports the memberships of links on which a question was answered: the kernel may have
// asked that station after an earlier report was lost at a port that did not forward yet, and from
// now on a report gets through.
func (m *Monitor) sendQuestions(now time.Time) {
	m.batch.Reset()
	for _, name := range m.cache.takeAnswered() {
		m.addReports(name)
	}
	for _, name := range m.ask {
		m.addReports(name)
		link, stations := m.cache.ask(name, now)
		for _, a := range stations {
			m.batch.Ask(link, a)
		}
	}
	m.ask = nil
	m.send()
}

// addReports adds the reports of the groups of which a link is a member.
func (m *Monitor) addReports(name string) {
	link, groups := m.cache.groups(name)
	for _, group := range groups {
		m.batch.Report(link, group)
	}
}

// send sends the batch. A question that was not sent is repeated, like one that was not answered.
func (m *Monitor) send() {
	if frames := m.batch.Frames(); len(frames) > 0 {
		m.cfg.Sender.Send(frames)
	}
}

// turn is one Apply.
type turn struct {
	*Monitor
	now  time.Time
	held Holdings
}

// stamp returns the stamp of an event that only the time caused.
func (t *turn) stamp() event.Stamp { return event.Stamp{Cause: t.cfg.Minter.Cause(t.now), At: t.now} }

// warn sets a warning with this text, or ends it if the text is empty.
func (t *turn) warn(instance string, reason event.WarningReason, subject, text string) {
	t.cfg.Warnings.Set(text != "", event.Warning{
		Stamp: t.stamp(), Instance: instance, Reason: reason, Subject: subject, Text: text,
	})
}

// up reports whether the device of an instance is up, and the instance held.
func (t *turn) up(instance string, device event.Link) bool {
	return t.held.Holds(instance) && device.Index != 0 && device.AdminUp
}

// appendMissing appends the names that a list does not contain yet.
func appendMissing(list []string, names ...string) []string {
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Configure replaces the sets. Stations, and claims and conflicts of addresses that stay, are kept;
// warnings about addresses that are gone end. The caller reports each new link by Link.
func (m *Monitor) Configure(now time.Time, sets []Set) {
	before := m.cfg.Sets
	m.cfg.Sets, m.sets, m.holders = sets, byInstance(sets), newHolders(sets)
	m.cache.configure(sets, m.sets, m.holders)
	t := &turn{Monitor: m, now: now}
	for i := range before {
		was := &before[i]
		if is := m.sets[was.Instance]; is == nil || !reflect.DeepEqual(was, is) {
			t.follow(was, is)
		}
	}
}

// follow drops the findings about an instance that do not apply to its new set, which is nil if it
// has none.
func (t *turn) follow(was, is *Set) {
	name := was.Instance
	delete(t.claims.next, name) // probed soon, for its new addresses
	for _, a := range was.Addresses {
		if is != nil && slices.Contains(is.Addresses, a) {
			continue
		}
		if known := t.claims.claimed[a.Addr]; known != nil && known.instance == name {
			delete(t.claims.claimed, a.Addr)
		}
		t.clearConflict(name, a.Addr)
	}
	if is == nil || is.Link != was.Link || is.MAC != was.MAC {
		if r := t.reaches[name]; r != nil {
			delete(t.reaches, name)
			t.cache.takeReach(r.device)
		}
		t.warn(name, event.WarnUnreached, was.Link, "")
	}
	if is == nil || is.Link != was.Link {
		if s := t.silence.links[was.Link]; s != nil {
			s.end(t, was.Link, func(instance string) bool { return instance == name })
		}
		t.warn(name, event.WarnProxyARP, was.Link, "")
	}
}
