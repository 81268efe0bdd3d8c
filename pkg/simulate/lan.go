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

// Router is a router of the LAN: its name and its configuration.
type Router struct {
	Name   string
	Config *config.Config
}

// Segment is a named segment and the ports that are plugged into it.
type Segment struct {
	Name  string
	Ports []Port
}

// Port is an interface of a router.
type Port struct{ Router, Interface string }

// String returns the port in the form of the command line.
func (p Port) String() string { return p.Router + ":" + p.Interface }

// Options describe a LAN and how it is played.
type Options struct {
	Routers []Router
	// Segments are the named segments. All other interfaces that have the same name share a
	// segment of that name.
	Segments []Segment
	// Load reads a configuration for the verb reload; nil: the verb is not available.
	Load func(path string) (*config.Config, error)
	// Seed seeds everything random: when adverts leave, how long frames take.
	Seed uint64
	// Interrupted returns a non-nil error when the play shall end early. It is called once per
	// second of virtual time; nil: the play runs to its end.
	Interrupted func() error
	// Cold starts all routers at the instant 0. Otherwise they have settled before it.
	Cold bool
}

// LAN is a set of routers and the segments that connect their interfaces. Each play runs in a
// world of its own. Only parsing an Act changes the LAN: a reload adds a configuration to a
// router.
type LAN struct {
	options  Options
	routers  []*router
	named    map[Port]string // the segments of the ports that Options.Segments lists
	segments []string        // in the order in which the routers name them
	Notes    []string        // what was made up or is doubtful, for the user
}

// router is a router and the ports of its interfaces.
type router struct {
	Router
	later []*config.Config // the configurations that a reload may load
	links map[string]sim.Attachment
}

// configs returns the configurations that a router has or may load.
func (r *router) configs() []*config.Config { return append([]*config.Config{r.Config}, r.later...) }

// all returns the names that a function finds in any configuration of a router, without
// duplicates.
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

// New returns the LAN of some routers. Interfaces that Options.Segments does not mention are
// connected by their names.
func New(o Options) (*LAN, error) {
	l := &LAN{options: o}
	for _, r := range o.Routers {
		if r.Name == "" || strings.ContainsAny(r.Name, " \t\n/:,=") {
			return nil, fmt.Errorf("%q cannot name a router in --at and --segment: name it as NAME=FILE, without spaces and any of / : , =", r.Name)
		}
		if l.router(r.Name) != nil {
			return nil, fmt.Errorf("two routers are called %s: name one of them differently, as NAME=FILE", r.Name)
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
	return l, nil // an interface may be missing here and present in the file of a reload
}

// plug plugs the interfaces of all configurations into their segments, and assigns their
// addresses.
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

// name records the segments of the ports that the options name.
func (l *LAN) name(segments []Segment) error {
	l.named = make(map[Port]string)
	for _, s := range segments {
		for _, p := range s.Ports {
			if _, err := l.find(p.Router); err != nil {
				return fmt.Errorf("segment %s: %w", s.Name, err)
			}
			if before, twice := l.named[p]; twice {
				return fmt.Errorf("%s is plugged into the segments %s and %s: name it in only one of them", p, before, s.Name)
			}
			l.named[p] = s.Name
		}
	}
	return nil
}

// unplugged returns an error if a segment of the options names an interface that no configuration
// has.
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

// noteLonely adds a note for each segment with a single router.
func (l *LAN) noteLonely() {
	said := make(map[string]bool) // ports that the advice reports
	for _, p := range l.separatedPairs() {
		said[p[0].segment], said[p[1].segment] = true, true
	}
	for _, s := range l.segments {
		if ports := l.ports(s); len(ports) == 1 && len(l.routers) > 1 && !said[s] {
			l.Notes = append(l.Notes, fmt.Sprintf("%s of %s is alone on its segment: if it shares one with other routers, add --segment NAME=%s,ROUTER:INTERFACE",
				ports[0].Interface, ports[0].Router, ports[0]))
		}
	}
}

// separatedPairs returns pairs of instances on different routers that have the same VRID and address,
// but are on different segments, each the only one on its segment.
func (l *LAN) separatedPairs() (all [][2]subscriber) {
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

// ports returns the ports that are plugged into a segment.
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

// router returns the router with the given name; nil if there is none.
func (l *LAN) router(name string) *router {
	for _, r := range l.routers {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// find returns the router with the given name, or an error that suggests another name.
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
	at      int // the index of the router in LAN.routers
	in      *vrrp.Instance
	segment string
}

// key is a VRID of an address family on a segment.
type key struct {
	segment string
	family  event.Family
	vrid    uint8
}

func (s subscriber) key() key { return key{s.segment, s.in.Family, s.in.VRID} }

// meets reports whether two instances with the same VRID may belong to one virtual router. If
// either router has several instances with this VRID, they must hear each other.
func (s subscriber) meets(o subscriber, all []subscriber) bool {
	several := func(x subscriber) bool {
		return slices.ContainsFunc(all, func(y subscriber) bool { return y.router == x.router && y.in != x.in })
	}
	if s.router == o.router {
		return false
	}
	return !several(s) && !several(o) || s.hears(o) && o.hears(s)
}

// hears reports whether an instance accepts the adverts of another one with the same VRID.
func (s subscriber) hears(o subscriber) bool {
	if s.in.IsUnicast() != o.in.IsUnicast() {
		return false
	}
	return !s.in.IsUnicast() || slices.ContainsFunc(s.in.Unicast.Peers, o.sends)
}

// sends reports whether an instance may send adverts from an address.
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

// interfaces returns the interfaces that carry adverts or are tracked, without duplicates.
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

// titles returns the names by which orders address the groups.
func titles(groups []vrrp.Group) (names []string) {
	for g := range groups {
		names = append(names, groups[g].Title())
	}
	return names
}

// ParseSegment parses a segment of the command line: NAME=ROUTER:INTERFACE,ROUTER:INTERFACE.
func ParseSegment(text string) (Segment, error) {
	name, list, ok := strings.Cut(text, "=")
	if !ok || name == "" || list == "" {
		return Segment{}, fmt.Errorf("segment %q: write NAME=ROUTER:INTERFACE,ROUTER:INTERFACE", text)
	}
	s := Segment{Name: name}
	for _, p := range strings.Split(list, ",") {
		router, iface, ok := strings.Cut(p, ":")
		if !ok || router == "" || iface == "" {
			return Segment{}, fmt.Errorf("segment %s: %q is not an interface: write it as ROUTER:INTERFACE", name, p)
		}
		s.Ports = append(s.Ports, Port{router, iface})
	}
	return s, nil
}
