package config

import (
	"slices"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
)

// readStatic reads the section static, as an instance that has addresses and routes alone.
func readStatic(report *problem.Report, at problem.Place, d *document) bool {
	s := &instance{origin: origin{at: at}}
	s.Name = addr.StaticName
	s.own = staticKeys.Read(report, at, s)
	for n := range s.held {
		if h := &s.held[n]; h.Prefix.Addr().Is6() {
			_, said := h.present["preferred"]
			h.Preferred = h.Preferred || !said
		}
	}
	s.present = s.own
	d.static = s
	return s.own != nil
}

// holders returns the instances and the section static.
func (d *document) holders() []*instance {
	if d.static == nil {
		return d.instances
	}
	return append(slices.Clone(d.instances), d.static)
}

// checkStatic checks that each part of the section static names its interface, as no instance does.
func (d *document) checkStatic(report *problem.Report) {
	s := d.static
	if s == nil {
		return
	}
	s.checkAddresses(report)
	s.routing.check(report, s.origin, s.Family)
	for _, h := range s.held {
		if _, said := h.present["interface"]; !said {
			report.Advise(h.at, "write {address: "+h.Prefix.String()+", interface: eth0}", "the address has no interface")
		}
	}
	for _, r := range s.routing.routes {
		if r.Interface == "" && !r.Via.IsValid() && len(r.hops) == 0 && !r.Type.Discards() && routeKeys.Sound(r.present) {
			report.Advise(r.at, "set via or interface", "the route has neither a gateway nor an interface")
		}
	}
	for _, i := range d.instances {
		if i.Name == s.Name {
			report.Advise(i.where("name"), "choose another name", "the name %s is reserved for the section static", problem.Show(i.Name))
		}
	}
}
