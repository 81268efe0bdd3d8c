package sim

// alone reports whether an instance serves without its group, as the last one standing.
func (in *instance) alone() bool {
	r := in.router
	if r.core == nil || !r.cfg[0].LastStanding {
		return false
	}
	for _, m := range r.group().Status(r.world.now).Members {
		if m.Instance.Name == in.Name {
			return m.LastStanding
		}
	}
	return false
}

// covered reports whether routers that serve alone leave no segment without one.
func (c *Check) covered() bool {
	r0 := c.World.Routers[0]
	if !r0.cfg[0].LastStanding {
		return false
	}
	for _, p := range r0.ports {
		if n := p.segment.actives(); n[r0.instances[0].Version] == 0 {
			return false
		}
	}
	return true
}

// last checks an instance that serves without its group.
func (c *Check) last(r *Router, in *instance) {
	c.Alone++
	if !in.held || !in.advertised {
		c.violate("%s serves %s alone: held %v, advertised %v", r.Name, in.Name, in.held, in.advertised)
	}
	if !in.port.known || r.released {
		c.violate("%s serves %s alone, though its link is down (%v) or it is released (%v)", r.Name, in.Name, !in.port.known, r.released)
	}
}
