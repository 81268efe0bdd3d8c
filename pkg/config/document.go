package config

import (
	"cmp"
	"fmt"
	"maps"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// document is the file as it was read, with the places that the checks need.
type document struct {
	log       Log
	control   Control
	link      linkSettings // links.default
	links     map[string]linkSettings
	defaults  instance // what every instance begins as
	instances []*instance
	groups    []group
	static    *instance // has but a name and what is held

	checks                  []*check
	notify                  Notify // of every instance
	fifo                    string
	fifoReader              []string
	startup, shutdown       *Program
	scriptUser, scriptGroup string
}

// linkSettings are those of one link: how pkg/link watches it, and what it has to
// prove to the instances on it after a return.
type linkSettings struct {
	link.Settings
	Recovery vrrp.Recovery
}

// instance is one entry of instances. It fills in what it becomes.
type instance struct {
	vrrp.Instance
	checksum checksum
	auth     authentication
	announce addr.Announce
	sending  sending
	held     []held // addresses
	extra    []held // extra_addresses
	routes   []routeEntry
	accept   bool
	rules    []ruleEntry

	virtualMAC virtualMAC
	trackLink  bool
	track      []tracked
	fence      *vrrp.Fence
	notify     Notify

	at      place
	own     keySet // keys of the instance itself
	present keySet // keys of it or of the defaults
	group   *group
}

// virtualMAC is a value of the key of that name.
type virtualMAC struct {
	used bool
	name string // of the link that bears it; empty: it follows from the VRID
}

// checksum is a value of the key of that name.
type checksum struct {
	form wire.Checksum
	auto bool
}

func newDocument() *document {
	d := &document{links: map[string]linkSettings{}}
	documentKeys.start(d)
	notifyKeys.start(&d.notify)
	notifyKeys.start(&d.defaults.notify)
	logKeys.start(&d.log)
	controlKeys.start(&d.control)
	linkKeys.start(&d.link)
	recoveryKeys.start(&d.link.Recovery)
	instanceKeys.start(&d.defaults)
	announceKeys.start(&d.defaults.announce)
	unicastKeys.start(&d.defaults.sending)
	return d
}

// read takes the whole file, which may be empty. If it is not complete, since an included
// file could not be read, a missing key may stand there.
func (d *document) read(l *loader, at place, complete bool) {
	if at.node == nil || at.node.Kind == tree.Null {
		l.advise(at, "an instance needs name, interface, vrid and addresses", "the configuration is empty")
		return
	}
	present := documentKeys.read(l, at, d)
	if complete {
		documentKeys.need(l, at, present)
	}
}

func readDefaults(l *loader, at place, d *document) bool {
	d.defaults.present = instanceKeys.read(l, at, &d.defaults)
	return d.defaults.present != nil
}

func readInstances(l *loader, at place, d *document) bool {
	all, ok := some(each(as(Description{}, func(l *loader, at place) (*instance, bool) {
		i := d.defaults
		i.at, i.present = at, keySet{}
		i.own = instanceKeys.read(l, at, &i)
		if i.own == nil {
			return nil, false
		}
		maps.Copy(i.present, d.defaults.present)
		maps.Copy(i.present, i.own)
		instanceKeys.need(l, at, i.present)
		return &i, true
	}))).read(l, at)
	d.instances = all
	return ok
}

// readLinks reads the map of links: its keys are names of interfaces, and
// default.
func readLinks(l *loader, at place, d *document) bool {
	if !l.expect(at, tree.Map) {
		return false
	}
	const all = "default"
	if e := at.node.Find(all); e != nil {
		linkKeys.read(l, at.entry(*e), &d.link)
	}
	for _, e := range at.node.Entries {
		if e.Key == all {
			continue
		}
		here, settings := at.entry(e), d.link
		if why := badInterface(e.Key); why != "" {
			l.fail(here, "%s cannot name an interface: %s", show(e.Key), why)
		}
		linkKeys.read(l, here, &settings)
		d.links[e.Key] = settings
	}
	return true
}

// build makes the configuration of a document without a problem.
func (d *document) build(l *loader) *Config {
	c := &Config{
		File: l.files[0].name, Format: l.format, Log: d.log, Control: d.control,
		Links: make(map[string]link.Settings, len(d.links)), DefaultLink: d.link.Settings, Warnings: l.listed(&l.warnings),
	}
	for name, s := range d.links {
		c.Links[name] = s.Settings
	}
	for _, g := range d.groups {
		built := vrrp.Group{Name: g.name, Track: trackers(g.track), FaultAll: g.faultAll, LastStanding: g.lastStanding, Fence: cmp.Or(g.fence, d.defaults.fence)}
		for _, m := range g.members {
			built.Members = append(built.Members, m.instance.build(d))
		}
		c.Groups = append(c.Groups, built)
	}
	for _, i := range d.instances {
		if i.group == nil {
			c.Groups = append(c.Groups, vrrp.Group{Members: []vrrp.Instance{i.build(d)}, Fence: i.fence})
		}
		c.Sets = append(c.Sets, i.set())
	}
	if d.static != nil {
		c.Static = &addr.Set{Instance: d.static.Name, Static: true}
		c.Static.Addresses, c.Static.Routes = d.static.heldAddresses(), d.static.routeSet()
	}
	for _, g := range c.Groups {
		for i, weighs := 0, g.Weighs(); i < len(g.Members); i++ {
			g.Members[i].Weighted = weighs
		}
	}
	for _, k := range d.checks {
		c.Checks = append(c.Checks, k.build())
	}
	d.buildNotify(c)
	c.ScriptUser, c.ScriptGroup = d.scriptUser, d.scriptGroup
	c.Startup, c.Shutdown = d.startup, d.shutdown
	return c
}

// settings are those of a link, named in the file or not.
func (d *document) settings(name string) linkSettings {
	if s, ok := d.links[name]; ok {
		return s
	}
	return d.link
}

func (i *instance) build(d *document) vrrp.Instance {
	out := i.Instance
	out.Recovery = d.settings(i.Interface).Recovery
	out.VirtualMAC, out.IgnoreLink, out.Track = i.virtualMAC.used, !i.trackLink, trackers(i.track)
	if i.Version == wire.V3 {
		out.Checksum, out.AutoChecksum = i.checksum.form, i.checksum.auto
	}
	i.sending.build(&out)
	out.Auth, out.HMAC = i.auth.pass, i.auth.hmac.build(i.Interval)
	if i.group != nil {
		out.Group = i.group.name
	}
	for _, h := range i.held {
		out.Addresses = append(out.Addresses, h.Prefix.Addr())
	}
	for _, h := range i.extra {
		out.Extra = append(out.Extra, h.Prefix.Addr())
	}
	return out
}

func (i *instance) set() addr.Set {
	out := addr.Set{Instance: i.Name, Link: i.Interface, Interval: i.Interval, Miss: i.Miss, Announce: i.announce}
	if len(i.Unicast.Peers) == 0 {
		out.Group = wire.GroupOf(i.Family)
	}
	if i.virtualMAC.used {
		out.Device = i.device()
	}
	out.Addresses, out.Routes = i.heldAddresses(), i.routeSet()
	out.Owner = i.Priority == vrrp.Owner
	out.Refuse = !i.accept && i.Priority != vrrp.Owner // it accepts what is its own
	return out
}

// heldAddresses returns its addresses as the address worker has them.
func (i *instance) heldAddresses() (all []addr.Address) {
	for n, h := range i.all() {
		a := h.Address
		a.Extra = n >= len(i.held)
		if a.Interface == "" && !i.virtualMAC.used {
			a.Interface = i.Interface
		}
		all = append(all, a)
	}
	return all
}

// device is what bears the virtual MAC.
func (i *instance) device() *macvlan.Device {
	prefix := "vrrp"
	if i.Family == event.IPv6 {
		prefix = "vrrp6"
	}
	name := i.virtualMAC.name
	if name == "" {
		name = fmt.Sprintf("%s.%d", prefix, i.VRID)
	}
	return &macvlan.Device{Name: name, MAC: wire.VirtualMAC(i.Family, i.VRID)}
}
