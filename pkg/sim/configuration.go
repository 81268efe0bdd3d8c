package sim

import (
	"slices"
	"time"

	"ripcord/pkg/vrrp"
)

// configuration is the configuration of a router: the file that it reads next, the one that is in
// force, and the instances that follow from them.
type configuration struct {
	file      []vrrp.Group // read at the next start or reload
	groups    []vrrp.Group // in force
	all       []*instance  // instances that the groups have or had
	byName    map[string]*instance
	instances []*instance    // instances that they have
	gone      []*instance    // instances that they no longer have
	ports     []*Port        // of the present instances, in their order
	tracked   []vrrp.Tracker // the entries of the first group and its members, each once
	lacked    time.Time      // when some instances were last missing
}

// instance returns the instance with a name.
func (c *configuration) instance(name string) *instance {
	if in := c.byName[name]; in != nil {
		return in
	}
	panic("sim: no instance " + name)
}

// has reports whether a group has an instance now.
func (c *configuration) has(in *instance) bool { return in.present }

// adopt puts the configuration in force that the router has read at now.
func (c *configuration) adopt(now time.Time) {
	if len(c.gone) > 0 {
		c.lacked = now
	}
	c.groups = c.file
	first := c.instances == nil
	before := make(map[*instance]bool, len(c.instances))
	for _, in := range c.instances {
		before[in], in.present = true, false
	}
	c.instances, c.gone, c.ports = nil, nil, nil
	for g := range c.groups {
		for i := range c.groups[g].Members {
			in := c.instance(c.groups[g].Members[i].Name)
			in.Instance, in.present = &c.groups[g].Members[i], true
			c.instances = append(c.instances, in)
			if !slices.Contains(c.ports, in.port) {
				c.ports = append(c.ports, in.port)
			}
			if !first && !before[in] {
				in.joined = now
			}
		}
	}
	c.tracked = nil
	for e := range entries(c.groups[:min(1, len(c.groups))]...) {
		if !slices.Contains(c.tracked, e) {
			c.tracked = append(c.tracked, e)
		}
	}
	for _, in := range c.all {
		if !in.present {
			c.gone = append(c.gone, in)
		}
	}
}

// configs returns the configurations of the instances.
func (c *configuration) configs() (all []*vrrp.Instance) {
	for _, in := range c.instances {
		all = append(all, in.Instance)
	}
	return all
}

// edited returns a copy of the groups of the file with a change of the first one.
func (c *configuration) edited(change func(g *vrrp.Group)) []vrrp.Group {
	file := slices.Clone(c.file)
	file[0].Members, file[0].Track = slices.Clone(file[0].Members), slices.Clone(file[0].Track)
	change(&file[0])
	return file
}
