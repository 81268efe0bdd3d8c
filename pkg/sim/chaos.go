package sim

import "time"

// Chaos disturbs a LAN again and again: cables, loss, crashes and pauses, with
// times of quiet between.
type Chaos struct {
	World *World
	// Quiet is how long nothing happens after some disturbances.
	Quiet time.Duration
	// OnQuiet is called at the end of each quiet time.
	OnQuiet func()
	// Counts says how often each kind of disturbance came.
	Counts map[string]int
}

// Begin starts the story.
func (c *Chaos) Begin() {
	c.Counts = make(map[string]int)
	c.World.After(c.Quiet, c.burst)
}

// burst disturbs the LAN a few times in a row, and repairs everything.
func (c *Chaos) burst() {
	w := c.World
	until := time.Duration(0)
	for range 1 + w.rng.IntN(4) {
		start := w.between(0, 20*time.Second)
		long := w.between(5*time.Millisecond, 500*time.Millisecond)
		if w.rng.IntN(2) == 0 {
			long = w.between(time.Second, 30*time.Second)
		}
		until = max(until, start+long)
		c.disturbance(start, long)
	}
	// Sometimes a cable stays out while all else is quiet.
	var out *Port
	if w.rng.IntN(3) == 0 {
		out = c.port()
		w.After(until, out.Pull)
	}
	w.After(until+time.Millisecond, func() { c.rest(out) })
}

// rest lets the LAN be quiet, judges it, and puts back the cable that stayed out.
func (c *Chaos) rest(out *Port) {
	w := c.World
	for _, r := range w.Routers {
		for _, p := range r.ports {
			if p != out {
				p.Plug()
			}
		}
	}
	w.After(c.Quiet, func() {
		c.OnQuiet()
		if out != nil {
			out.Plug()
		}
		w.After(w.between(0, 10*time.Second), c.burst)
	})
}

func (c *Chaos) port() *Port {
	w := c.World
	r := w.Routers[w.rng.IntN(len(w.Routers))]
	names := r.cfg[0].Members
	return r.ports[names[w.rng.IntN(len(names))].Interface]
}

func (c *Chaos) disturbance(start, long time.Duration) {
	w := c.World
	r := w.Routers[w.rng.IntN(len(w.Routers))]
	switch w.rng.IntN(4) {
	case 0:
		c.Counts["pull"]++
		p := c.port()
		w.After(start, p.Pull)
		w.After(start+long, p.Plug)
	case 1:
		c.Counts["loss"]++
		s, share := c.port().segment, 0.05+0.6*w.rng.Float64()
		w.After(start, func() { s.Loss = share; w.disturb() })
		w.After(start+long, func() { s.Loss = 0; w.disturb() })
	case 2:
		c.Counts["crash"]++
		w.After(start, r.Crash)
		w.After(start+long, r.Start)
	case 3:
		c.Counts["pause"]++
		w.After(start, r.Pause)
		w.After(start+long, r.Resume)
	}
}
