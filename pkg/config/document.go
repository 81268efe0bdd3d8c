package config

import (
	"cmp"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/value"
	"ripcord/pkg/link"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
)

// document is the file as it was read, with the places that the checks need.
type document struct {
	log       Log
	control   Control
	link      linkSettings // links.default
	links     map[string]linkSettings
	defaults  instance // the initial value of every instance
	instances []*instance
	groups    []group
	static    *instance // has only a name and held things

	checks                  []*check
	notify                  Notify // for every instance
	fifo                    string
	fifoReader              Command
	fifoUser, fifoGroup     string
	startup, shutdown       *Program
	scriptUser, scriptGroup string
}

// linkSettings are the settings of one link: how pkg/link watches it, and what it has to prove to
// its instances after a return.
type linkSettings struct {
	link.Settings
	Recovery vrrp.Recovery
}

func newDocument() *document {
	d := &document{links: map[string]linkSettings{}}
	documentKeys.Start(d)
	notifyKeys.Start(&d.notify)
	notifyKeys.Start(&d.defaults.notify)
	logKeys.Start(&d.log)
	controlKeys.Start(&d.control)
	linkKeys.Start(&d.link)
	recoveryKeys.Start(&d.link.Recovery)
	instanceKeys.Start(&d.defaults)
	announceKeys.Start(&d.defaults.announce)
	unicastKeys.Start(&d.defaults.sending)
	return d
}

// read reads the whole file, which may be empty. If complete is false, because an included file
// could not be read, a missing key may be in that file.
func (d *document) read(report *problem.Report, at problem.Place, complete bool) {
	if at.Node == nil || at.Node.Kind == tree.Null {
		report.Advise(at, "an instance needs name, interface, vrid and addresses", "the configuration is empty")
		return
	}
	present := documentKeys.Read(report, at, d)
	if complete {
		documentKeys.Need(report, at, present)
	}
}

func readDefaults(report *problem.Report, at problem.Place, d *document) bool {
	d.defaults.present = instanceKeys.Read(report, at, &d.defaults)
	return d.defaults.present != nil
}

// readLinks reads the map of links: its keys are names of interfaces, and default.
func readLinks(report *problem.Report, at problem.Place, d *document) bool {
	if !report.Expect(at, tree.Map) {
		return false
	}
	const all = "default"
	if e := at.Node.Find(all); e != nil {
		linkKeys.Read(report, at.Entry(*e), &d.link)
	}
	for _, e := range at.Node.Entries {
		if e.Key == all {
			continue
		}
		here, settings := at.Entry(e), d.link
		if why := value.BadInterface(e.Key); why != "" {
			report.Fail(here, "%s cannot name an interface: %s", problem.Show(e.Key), why)
		}
		linkKeys.Read(report, here, &settings)
		d.links[e.Key] = settings
	}
	return true
}

// build makes the configuration of a document without problems.
func (d *document) build() *Config {
	c := &Config{
		Log: d.log, Control: d.control,
		Sets:  make([]addr.Set, 0, len(d.instances)), // without spare capacity, since it is kept
		Links: make(map[string]link.Settings, len(d.links)), DefaultLink: d.link.Settings,
		Notify: d.notifies(), NotifyAll: d.notify, FIFO: d.fifo, FIFOReader: d.fifoReader, FIFOUser: d.fifoUser, FIFOGroup: d.fifoGroup,
		ScriptUser: d.scriptUser, ScriptGroup: d.scriptGroup, Startup: d.startup, Shutdown: d.shutdown,
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
		c.Static.Addresses, c.Static.Routes = d.static.addresses(), d.static.routing.set("")
	}
	for _, g := range c.Groups {
		for i, weighs := 0, g.Weighs(); i < len(g.Members); i++ {
			g.Members[i].Weighted = weighs
		}
	}
	for _, k := range d.checks {
		c.Checks = append(c.Checks, k.build())
	}
	return c
}

// notifies returns the notifications of each subject.
func (d *document) notifies() map[Subject]Notify {
	all := map[Subject]Notify{}
	add := func(s Subject, n Notify) {
		if !n.Empty() {
			all[s] = n
		}
	}
	for _, i := range d.instances {
		add(Subject{Name: i.Name}, i.notify)
	}
	for _, g := range d.groups {
		add(Subject{Group: true, Name: g.name}, g.notify)
	}
	return all
}

// settings returns the settings of a link, whether the file names it or not.
func (d *document) settings(name string) linkSettings {
	if s, ok := d.links[name]; ok {
		return s
	}
	return d.link
}

// included accepts include in the table of the document: the tree already contains the included
// files.
func included(*problem.Report, problem.Place, *document) bool { return true }
