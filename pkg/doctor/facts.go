package doctor

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Plan is what a configuration is going to use on this machine.
type Plan struct {
	File    string // empty: there is no configuration, and all links that are up are examined
	Groups  []vrrp.Group
	Sets    []addr.Set
	Watched []string // the links that it names
	Sources link.Sources
	Links   map[string]link.Settings // of the links that it names
}

// Facts are the state of the machine and of its segments.
type Facts struct {
	Plan
	Links     []Link
	Settings  map[string]string // sysctls that exist, by their key below net
	ReadOnly  bool              // settings cannot be changed here
	Rules     *firewall.Ruleset
	Legacy    []string // the tables of iptables-legacy that are loaded
	Addresses []Address
	Routers   []Router
	Queriers  map[string]bool // the links on which a query for memberships was heard
	Answers   []Answer
	Ports     []Port
	Programs  []Program
	// RealTime is why threads cannot get real-time scheduling, and Memory why memory cannot be
	// locked; empty if they can.
	RealTime, Memory string
	ClockFree        bool // the clock of this machine is not synchronized
	Listened         time.Duration
	Unread           []Unread
}

// Link is a link with everything else that is known about it.
type Link struct {
	event.Link
	Report nic.Report // of the interface; without a name if it does not exist
	Bridge *Bridge
	Bond   *Bond
	Early  []string // programs that process packets of the link before any socket does
	// Manager is the program that configures the link; Keeps reports that it is configured to keep
	// the addresses and routes of others, and ManagerFile names its configuration of the link.
	Manager, ManagerFile string
	Keeps                bool
}

// The programs that configure links.
const (
	Networkd       = "systemd-networkd"
	NetworkManager = "NetworkManager"
)

// Bridge has the multicast settings of a bridge.
type Bridge struct {
	Snoops  bool
	Queries bool // it, or another machine that it heard, sends queries for memberships
}

// Bond has the monitors by which a bond learns that a port has lost its link: there is none if both
// are 0.
type Bond struct{ MIIMonitor, ARPInterval uint32 }

// Address is an address of this machine.
type Address struct {
	Link   string
	Prefix netip.Prefix
	Marked bool // ripcord added it
}

// Router is a router that was heard to advertise a virtual router on a link.
type Router struct {
	Link        string
	Own         bool // this machine sent it
	Source      netip.Addr
	Dest        netip.Addr // of the last advert: the group, or one router
	MAC         [6]byte
	Advert      wire.Advert // the last one
	Problem     string      // why its adverts are not valid; empty if they are
	CARP        bool        // it sends CARP, not VRRP
	Auth        string      // why a signed advert is rejected; empty if it is accepted, or not signed
	Skew        time.Duration
	First, Last time.Duration // since the listening began
	Count       int
}

// Answer is a station that answered for a virtual address.
type Answer struct {
	Link    string
	Address netip.Addr
	MAC     [6]byte
}

// Port reports whether a station answered a question that was sent from a virtual MAC. It had
// answered the same question from the link's own MAC.
type Port struct {
	Link, Instance string
	MAC            [6]byte
	Station        netip.Addr
	Answered       bool
}

// Program is a program that has a raw socket for VRRP on this machine.
type Program struct {
	Name string
	PID  int
}

// Unread is a source of facts that could not be read.
type Unread struct{ What, Err string }

// instances yields the instances of the plan, each with its group's name in Virtual.Group.
func (p *Plan) instances() iter.Seq[*vrrp.Instance] {
	return func(yield func(*vrrp.Instance) bool) {
		for i := range p.Groups {
			for j := range p.Groups[i].Members {
				if !yield(&p.Groups[i].Members[j]) {
					return
				}
			}
		}
	}
}

// on yields the instances on a link.
func (p *Plan) on(l *Link) iter.Seq[*vrrp.Instance] {
	return func(yield func(*vrrp.Instance) bool) {
		for in := range p.instances() {
			if in.Interface == l.Name && !yield(in) {
				return
			}
		}
	}
}

// groupsOn returns the multicast groups of adverts on a link: those of RFC 9568, and those of the
// instances on it.
func (p *Plan) groupsOn(l *Link) []netip.Addr {
	all := []netip.Addr{wire.Group4, wire.Group6}
	for in := range p.on(l) {
		if group := in.MulticastGroup(); !slices.Contains(all, group) {
			all = append(all, group)
		}
	}
	return all
}

// carries reports whether a link has an instance of a kind; without a configuration there may be
// one of each.
func (p *Plan) carries(l *Link, kind func(in *vrrp.Instance) bool) bool {
	if p.File == "" {
		return true
	}
	for in := range p.on(l) {
		if kind(in) {
			return true
		}
	}
	return false
}

// held returns the addresses of an instance, with the interfaces on which they are added.
func (p *Plan) held(in *vrrp.Instance) []addr.Address {
	for i := range p.Sets {
		if p.Sets[i].Instance == in.Name {
			return p.Sets[i].Addresses
		}
	}
	return nil
}

// link finds a link by its name in the plan.
func (f *Facts) link(name string) *Link {
	for i := range f.Links {
		if f.Links[i].Name == name {
			return &f.Links[i]
		}
	}
	return nil
}

// present yields each instance with its link, if that exists.
func (f *Facts) present() iter.Seq2[*vrrp.Instance, *Link] {
	return func(yield func(*vrrp.Instance, *Link) bool) {
		for in := range f.instances() {
			if l := f.link(in.Interface); l != nil && l.Index != 0 && !yield(in, l) {
				return
			}
		}
	}
}

// serving yields the links that carry instances; without a plan, all.
func (f *Facts) serving() iter.Seq[*Link] {
	return func(yield func(*Link) bool) {
		for i := range f.Links {
			l := &f.Links[i]
			if l.Index != 0 && f.carries(l, func(*vrrp.Instance) bool { return true }) && !yield(l) {
				return
			}
		}
	}
}

// setting returns the value of a setting that is in force for a link: the greater of the link's own
// and that of "all". key has an asterisk instead of the name; scope is the name with that value.
func (f *Facts) setting(key string, l *Link) (value int, scope string) {
	value = -1
	for _, name := range []string{l.Own(), "all"} {
		if v, ok := f.number(onLink(key, name)); ok && v > value {
			value, scope = v, name
		}
	}
	return value, scope
}

// number returns a setting as a number; false if it is not one.
func (f *Facts) number(key string) (int, bool) {
	n, err := strconv.Atoi(f.Settings[key])
	return n, err == nil
}

// isOwnMAC reports whether a link of this machine has a MAC.
func (f *Facts) isOwnMAC(m [6]byte) bool {
	for i := range f.Links {
		if f.Links[i].HardwareAddr == m {
			return true
		}
	}
	return false
}

// ours returns the instance whose virtual router a router advertises; nil if none does.
func (p *Plan) ours(r *Router) (ours *vrrp.Instance) {
	most := -1
	for in := range p.instances() {
		if !r.advertises(in) {
			continue
		}
		if n := in.Fit(r.path()); n > most {
			ours, most = in, n
		}
	}
	return ours
}

// path returns the path of a router's adverts as the other end has it: those of this machine go to
// the source of its peers' adverts.
func (r *Router) path() wire.Path {
	if r.Own && !r.Dest.IsMulticast() {
		return wire.Path{Source: r.Dest, Dest: r.Source}
	}
	return wire.Path{Source: r.Source, Dest: r.Dest}
}

// advertises reports whether a router advertises the VRID of an instance.
func (r *Router) advertises(in *vrrp.Instance) bool {
	return in.Interface == r.Link && in.VRID == r.Advert.VRID && in.Family == event.FamilyOf(r.Source)
}
