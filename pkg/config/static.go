package config

import (
	"slices"

	"ripcord/pkg/addr"
	"ripcord/pkg/route"
)

// readStatic reads what is held for no instance, as an instance that has nothing else.
func readStatic(l *loader, at place, d *document) bool {
	s := &instance{at: at}
	s.Name = addr.StaticName
	s.own = staticKeys.read(l, at, s)
	s.present = s.own
	d.static = s
	return s.own != nil
}

// holders are the instances, and what is held for none.
func (d *document) holders() []*instance {
	if d.static == nil {
		return d.instances
	}
	return append(slices.Clone(d.instances), d.static)
}

// checkStatic sees that each part says its interface, which follows from nothing else.
func (d *document) checkStatic(l *loader) {
	s := d.static
	if s == nil {
		return
	}
	s.checkAddresses(l)
	s.checkRoutes(l)
	for _, h := range s.held {
		if _, said := h.present["interface"]; !said {
			l.advise(h.at, "write {address: "+h.Prefix.String()+", interface: eth0}", "the address has no interface")
		}
	}
	for _, r := range s.routes {
		if r.Interface == "" && !r.Via.IsValid() && r.Type == route.Unicast && routeKeys.sound(r.present) {
			l.advise(r.at, "say via or interface", "the route leads nowhere")
		}
	}
	for _, i := range d.instances {
		if i.Name == s.Name {
			l.advise(i.where("name"), "choose another name", "%s is the name of what static holds", show(i.Name))
		}
	}
}
