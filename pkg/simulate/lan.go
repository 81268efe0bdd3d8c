package simulate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/sim"
	"ripcord/pkg/vrrp"
)

// Router is a router of the LAN: its name, and its configuration.
type Router struct {
	Name   string
	Config *config.Config
}

// Segment is a segment by its name, and what is plugged into it.
type Segment struct {
	Name  string
	Ports []Port
}

// Port is an interface of a router.
type Port struct{ Router, Interface string }

// String returns the port as it is written on the command line.
func (p Port) String() string { return p.Router + ":" + p.Interface }

// Options are what a LAN is made of.
type Options struct {
	Routers []Router
	// Segments are those that are named. All other interfaces of one name share a segment of
	// that name.
	Segments []Segment
	// Load reads a configuration, for the verb reload; nil: there is no such verb.
	Load func(path string) (*config.Config, error)
	// Seed decides what is left to chance: when adverts leave, how long frames take.
	Seed uint64
	// Interrupted returns the error of a play that is to end at once, and is asked for each second
	// of virtual time; nil: it goes on to its end.
	Interrupted func() error
	// Cold starts all routers at the instant 0; else they have come to rest by then.
	Cold bool
}

// LAN is some routers on the segments that their interfaces share. Each play is on a world of
// its own: nothing changes the LAN but an Act that is read, which gives a router another file.
type LAN struct {
	options  Options
	routers  []*router
	named    map[Port]string // the segments of the ports that were named
	segments []string        // in the order in which the routers name them
	Notes    []string        // what was made up, or is doubtful
}

// router is a router with the places of its interfaces.
type router struct {
	Router
	later []*config.Config // that it may be given by a reload
	links map[string]sim.Attachment
}

// configs returns the configurations that a router has or may be given.
func (r *router) configs() []*config.Config { return append([]*config.Config{r.Config}, r.later...) }

// all returns the names of a kind that a router has with any of its configurations.
func (r *router) all(of func([]vrrp.Group) []string) (names []string) {
	for _, c := range r.configs() {
		for _, name := range of(c.Groups) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// New returns the LAN of some routers, whose configurations name no segment.
func New(o Options) (*LAN, error) {
	l := &LAN{options: o}
	for _, r := range o.Routers {
		if r.Name == "" || strings.ContainsAny(r.Name, " \t\n/:,=") {
			return nil, fmt.Errorf("%q is no name for a router in --at and --segment: name it, as NAME=FILE, without space and any of / : , =", r.Name)
		}
		if l.router(r.Name) != nil {
			return nil, fmt.Errorf("two routers are called %s: name one of them, as NAME=FILE", r.Name)
		}
		l.routers = append(l.routers, &router{Router: r})
	}
	if err := l.name(o.Segments); err != nil {
		return nil, err
	}
	l.plug()
	if o.Load == nil {
		return l, l.unplugged()
	}
	return l, nil // the files of reloads may have the other interfaces
}

// plug plugs the interfaces of all configurations into their segments, and gives them addresses.
func (l *LAN) plug() {
	l.segments, l.Notes = nil, nil
	for _, r := range l.routers {
		r.links = make(map[string]sim.Attachment)
		for _, name := range r.all(interfaces) {
			segment, ok := l.named[Port{r.Name, name}]
			if !ok {
				segment = name
			}
			r.links[name] = sim.Attachment{Segment: segment}
			if !slices.Contains(l.segments, segment) {
				l.segments = append(l.segments, segment)
			}
		}
	}
	allot(l)
	l.noteLonely()
}

// name notes the segments of the ports that are named.
func (l *LAN) name(segments []Segment) error {
	l.named = make(map[Port]string)
	for _, s := range segments {
		for _, p := range s.Ports {
			if _, err := l.find(p.Router); err != nil {
				return fmt.Errorf("segment %s: %w", s.Name, err)
			}
			if before, twice := l.named[p]; twice {
				return fmt.Errorf("%s is plugged into %s and into %s: one cable has one end there", p, before, s.Name)
			}
			l.named[p] = s.Name
		}
	}
	return nil
}

// unplugged returns the error of a segment that names an interface which no configuration has.
func (l *LAN) unplugged() error {
	for _, s := range l.options.Segments {
		for _, p := range s.Ports {
			if _, err := named("interface of "+p.Router, p.Interface, l.router(p.Router).all(interfaces)); err != nil {
				return fmt.Errorf("segment %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// noteLonely notes the segments on which a router is alone.
func (l *LAN) noteLonely() {
	said := make(map[string]bool) // by the advice
	for _, p := range l.strangers() {
		said[p[0].segment], said[p[1].segment] = true, true
	}
	for _, s := range l.segments {
		if ports := l.ports(s); len(ports) == 1 && len(l.routers) > 1 && !said[s] {
			l.Notes = append(l.Notes, fmt.Sprintf("%s of %s is alone on its segment: if it shares one with other routers, say so with --segment NAME=%s,ROUTER:INTERFACE",
				ports[0].Interface, ports[0].Router, ports[0]))
		}
	}
}

// strangers returns the instances of different routers with one VRID and address that are on
// different segments, on each of which only one router is.
func (l *LAN) strangers() (all [][2]subscriber) {
	list := l.subscribers()
	for i, x := range list {
		for _, y := range list[i+1:] {
			if x.router == y.router || x.segment == y.segment || x.in.VRID != y.in.VRID || x.in.Family != y.in.Family || !share(x.in, y.in) {
				continue
			}
			if len(l.ports(x.segment)) == 1 && len(l.ports(y.segment)) == 1 {
				all = append(all, [2]subscriber{x, y})
			}
		}
	}
	return all
}

// ports returns what is plugged into a segment.
func (l *LAN) ports(segment string) (all []Port) {
	for _, r := range l.routers {
		for _, name := range r.all(interfaces) {
			if r.links[name].Segment == segment {
				all = append(all, Port{r.Name, name})
			}
		}
	}
	return all
}

// router returns the router of a name; nil if there is none.
func (l *LAN) router(name string) *router {
	for _, r := range l.routers {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// find returns the router of a name.
func (l *LAN) find(name string) (*router, error) {
	if _, err := named("router", name, l.names()); err != nil {
		return nil, err
	}
	return l.router(name), nil
}

// names returns the names of the routers.
func (l *LAN) names() (all []string) {
	for _, r := range l.routers {
		all = append(all, r.Name)
	}
	return all
}

// subscriber is an instance of a router, as an end of the traffic on a segment.
type subscriber struct {
	router  *router
	at      int // the place of the router among the others
	in      *vrrp.Instance
	segment string
}

// key is a VRID on a segment.
type key struct {
	segment string
	family  event.Family
	vrid    uint8
}

func (s subscriber) key() key { return key{s.segment, s.in.Family, s.in.VRID} }

// meets reports whether two instances of one VRID may be of one virtual router: of a router
// that has several, only one that hears the other.
func (s subscriber) meets(o subscriber, all []subscriber) bool {
	several := func(x subscriber) bool {
		return slices.ContainsFunc(all, func(y subscriber) bool { return y.router == x.router && y.in != x.in })
	}
	if s.router == o.router {
		return false
	}
	return !several(s) && !several(o) || s.hears(o) && o.hears(s)
}

// hears reports whether an instance takes the adverts of another of its VRID.
func (s subscriber) hears(o subscriber) bool {
	if s.in.IsUnicast() != o.in.IsUnicast() {
		return false
	}
	return !s.in.IsUnicast() || slices.ContainsFunc(s.in.Unicast.Peers, o.sends)
}

// sends reports whether adverts of an instance may come from an address.
func (s subscriber) sends(from netip.Addr) bool {
	if s.in.Source.IsValid() {
		return s.in.Source == from
	}
	return slices.ContainsFunc(s.router.links[s.in.Interface].Sources, func(p netip.Prefix) bool { return p.Addr() == from })
}

// subscribers returns all instances of all routers.
func (l *LAN) subscribers() (all []subscriber) {
	for at, r := range l.routers {
		for g := range r.Config.Groups {
			for i := range r.Config.Groups[g].Members {
				in := &r.Config.Groups[g].Members[i]
				all = append(all, subscriber{r, at, in, r.links[in.Interface].Segment})
			}
		}
	}
	return all
}

// interfaces returns those that carry adverts and those that are tracked, once each.
func interfaces(groups []vrrp.Group) (names []string) {
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	track := func(list []vrrp.Tracker) {
		for _, t := range list {
			if t.Kind == vrrp.TrackInterface {
				add(t.Name)
			}
		}
	}
	for g := range groups {
		for i := range groups[g].Members {
			add(groups[g].Members[i].Interface)
		}
	}
	for g := range groups {
		track(groups[g].Track)
		for i := range groups[g].Members {
			track(groups[g].Members[i].Track)
		}
	}
	return names
}

// titles returns the names by which orders call the groups.
func titles(groups []vrrp.Group) (names []string) {
	for g := range groups {
		names = append(names, groups[g].Title())
	}
	return names
}

// ParseSegment reads a segment as the command line has it: NAME=ROUTER:INTERFACE,ROUTER:INTERFACE.
func ParseSegment(text string) (Segment, error) {
	name, list, ok := strings.Cut(text, "=")
	if !ok || name == "" || list == "" {
		return Segment{}, fmt.Errorf("segment %q: write NAME=ROUTER:INTERFACE,ROUTER:INTERFACE", text)
	}
	s := Segment{Name: name}
	for _, p := range strings.Split(list, ",") {
		router, iface, ok := strings.Cut(p, ":")
		if !ok || router == "" || iface == "" {
			return Segment{}, fmt.Errorf("segment %s: %q is no ROUTER:INTERFACE", name, p)
		}
		s.Ports = append(s.Ports, Port{router, iface})
	}
	return s, nil
}
