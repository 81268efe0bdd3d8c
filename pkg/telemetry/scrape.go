package telemetry

import (
	"strconv"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// scrape holds the data of one scrape, for all metrics: states and links at its begin, counters
// when they are written.
type scrape struct {
	instances []instance
	links     []watched
	checks    []check
	static    []event.Warning // of addresses, routes and rules that belong to no instance
	machine   []event.Warning // of the machine
	unknown   *stats.Counters
}

// instance is a virtual router, with the labels of all its series.
type instance struct {
	*vrrp.InstanceStatus
	stats    *stats.Counters // nil if there are none
	warnings []event.Warning
	labels   string
}

// watched is a link, with its settings and labels.
type watched struct {
	event.Link
	set    link.Settings
	labels string
}

// check is a check, with its labels.
type check struct {
	track.Status
	labels string
}

// read begins a scrape.
func (c *MetricsConfig) read() *scrape {
	groups, links := c.Source.Groups(), c.Source.Links()
	s := &scrape{
		instances: make([]instance, 0, len(groups)), links: make([]watched, 0, len(links)),
		static: c.Source.Warnings(addr.StaticName), machine: c.Source.Warnings(event.MachineName), unknown: c.Source.Unknown(),
	}
	var b []byte
	for _, g := range groups {
		for i := range g.Members {
			m := &g.Members[i]
			v := &m.Instance.Virtual
			b = label(b[:0], "family", v.Family.String(), "instance", v.Name, "interface", v.Interface,
				"vrid", strconv.Itoa(int(v.VRID)))
			s.instances = append(s.instances, instance{m, c.Source.Stats(v.Name), c.Source.Warnings(v.Name), string(b)})
		}
	}
	for _, l := range links {
		b = label(b[:0], "interface", l.Name)
		s.links = append(s.links, watched{l, c.Settings(l.Name), string(b)})
	}
	for _, k := range c.Source.Checks() {
		b = label(b[:0], "check", k.Name)
		s.checks = append(s.checks, check{k, string(b)})
	}
	return s
}

// total returns a counter, summed over all instances and the adverts that belong to none.
func (s *scrape) total(c stats.Counter) uint64 {
	n := s.unknown.Get(c)
	for _, i := range s.instances {
		if i.stats != nil {
			n += i.stats.Get(c)
		}
	}
	return n
}
