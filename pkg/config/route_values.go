package config

import (
	"cmp"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/event"
	"ripcord/pkg/route"
)

// hopEntry is one entry of nexthops.
type hopEntry struct {
	route.Hop
	at      problem.Place
	present schema.KeySet
}

func readHop(report *problem.Report, at problem.Place) (hopEntry, bool) {
	h := hopEntry{at: at}
	h.present = hopKeys.Fill(report, at, &h)
	return h, h.present != nil
}

// checkHops checks that each next hop has a gateway or an interface, and that the route itself has
// neither if it has next hops.
func (r *routeEntry) checkHops(report *problem.Report, o origin) {
	if len(r.hops) == 0 {
		return
	}
	for _, key := range []string{"via", "interface", "onlink"} {
		if at, ok := r.present[key]; ok {
			report.Advise(o.spot("routes", at), "set it in nexthops", "a route with nexthops cannot have %s itself", key)
		}
	}
	for _, h := range r.hops {
		if !h.Via.IsValid() && h.Interface == "" && hopKeys.Sound(h.present) {
			report.Advise(o.spot("routes", h.at), "set via or interface", "the next hop has neither a gateway nor an interface")
		}
	}
}

// check finds the family of a rule, which is that of its instance if nothing else determines it,
// and checks that the rule has exactly one effect.
func (r *ruleEntry) check(report *problem.Report, o origin, family event.Family) {
	at := o.spot("rules", r.at)
	r.Family = oneFamily(report, o, cmp.Or(r.said, family, event.IPv4), "rules", r.present, part{"from", r.From.Addr()}, part{"to", r.To.Addr()})
	if r.said != 0 && r.said != r.Family {
		report.Fail(o.spot("rules", r.present["family"]), "the addresses of the rule are %s", r.Family)
	}
	_, table := r.present["table"]
	_, target := r.present["goto"]
	_, suppress := r.present["suppress_prefixlength"]
	lookup := r.Action == route.Lookup
	switch {
	case lookup && !table && !r.L3MDev && !r.present["action"].Bad && !r.present["l3mdev"].Bad:
		report.Advise(at, "set the table to look up, or an action", "the rule has no effect")
	case !ruleKeys.Sound(r.present):
	case lookup && table && r.L3MDev:
		report.Advise(at, "leave one of the two out", "a rule with l3mdev cannot have a table")
	case !lookup && (table || r.L3MDev || suppress):
		report.Advise(at, "leave out table, l3mdev and suppress_prefixlength, or the action", "a rule with this action looks up no table")
	case (r.Action == route.Goto) != target:
		report.Advise(at, "set both action: goto and goto: the priority of another rule", "goto has no target, or the target has no action goto")
	case target && r.Goto <= r.Priority:
		report.Advise(at, "give a priority above the rule's own", "goto %d does not lead to a rule after the priority %d", r.Goto, r.Priority)
	}
}

// preferences are the router preferences of RFC 4191, with the kernel's numbers.
var preferences = schema.Choice(schema.Words[uint8]{{"low", 3}, {"medium", 0}, {"high", 1}})

// metricKeys are the metrics of a route, named as ip route names them.
var metricKeys = schema.Table[route.Metrics]{
	{"mtu", schema.Optional, metric("mtu"), "The MTU of the path.", ""},
	{"advmss", schema.Optional, metric("advmss"), "The MSS advertised to TCP peers.", ""},
	{"window", schema.Optional, metric("window"), "The largest TCP window to advertise.", ""},
	{"rtt", schema.Optional, metric("rtt"), "The initial round-trip time, in 1/8 ms.", ""},
	{"rttvar", schema.Optional, metric("rttvar"), "The initial variance of the round-trip time, in 1/4 ms.", ""},
	{"rto_min", schema.Optional, metric("rto_min"), "The minimum retransmission timeout, in ms.", ""},
	{"ssthresh", schema.Optional, metric("ssthresh"), "The initial slow-start threshold.", ""},
	{"cwnd", schema.Optional, metric("cwnd"), "The clamp of the congestion window.", ""},
	{"initcwnd", schema.Optional, metric("initcwnd"), "The initial congestion window, in segments.", ""},
	{"initrwnd", schema.Optional, metric("initrwnd"), "The initial receive window, in segments.", ""},
	{"reordering", schema.Optional, metric("reordering"), "The expected reordering on the path.", ""},
	{"hoplimit", schema.Optional, metric("hoplimit"), "The TTL or hop limit of sent packets.", ""},
	{"quickack", schema.Optional, metric("quickack"), "1: acknowledge at once.", ""},
	{"fastopen_no_cookie", schema.Optional, metric("fastopen_no_cookie"), "1: TCP Fast Open without a cookie.", ""},
	{"features", schema.Optional, metric("features"), "A bit mask. 1: ECN.", ""},
	{"congctl", schema.Optional, schema.Into(schema.Description{Type: schema.TypeText}, func(report *problem.Report, at problem.Place, m *route.Metrics) bool {
		s, ok := someText(report, at)
		m.SetCongestion(s)
		return ok
	}), "The congestion control algorithm.", ""},
	{"lock", schema.Optional, schema.Into(schema.ListOf(schema.Description{Type: schema.TypeText, Range: "the name of a metric"}, 0), readLocks),
		"Metrics that the kernel must not adjust.", ""},
}

// metric reads a metric that is a number.
func metric(name string) schema.Value[route.Metrics] {
	read := schema.Number[uint32](0, 1<<32-1)
	n, _ := route.MetricOf(name)
	return schema.Into(read.What, func(report *problem.Report, at problem.Place, m *route.Metrics) bool {
		v, ok := read.Read(report, at)
		if ok {
			m.Set(n, v)
		}
		return ok
	})
}

// readLocks reads the names of metrics.
func readLocks(report *problem.Report, at problem.Place, m *route.Metrics) bool {
	names, ok := schema.Each(schema.As(schema.Description{Type: schema.TypeText}, func(report *problem.Report, at problem.Place) (route.Metric, bool) {
		s, ok := report.Word(at, "the name of a metric")
		if !ok {
			return 0, false
		}
		n, ok := route.MetricOf(s)
		if !ok {
			report.Advise(at, "write mtu, or another key of metrics", "%s is not a metric", problem.Show(s))
		}
		return n, ok
	})).Read(report, at)
	for _, n := range names {
		m.Lock(n)
	}
	return ok
}
