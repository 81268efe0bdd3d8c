package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/route"
	"ripcord/pkg/tree"
)

// hopEntry is one entry of nexthops.
type hopEntry struct {
	route.Hop
	at      place
	present keySet
}

func readHop(l *loader, at place) (hopEntry, bool) {
	h := hopEntry{at: at}
	hopKeys.start(&h)
	h.present = hopKeys.read(l, at, &h)
	return h, h.present != nil
}

// checkHops sees that each next hop leads somewhere, and that nothing else does.
func (i *instance) checkHops(l *loader, r *routeEntry) {
	if len(r.hops) == 0 {
		return
	}
	for _, key := range []string{"via", "interface", "onlink"} {
		if at, ok := r.present[key]; ok {
			l.advise(i.spot("routes", at), "say it in nexthops", "a route with nexthops has no %s of its own", key)
		}
	}
	for _, h := range r.hops {
		if !h.Via.IsValid() && h.Interface == "" && hopKeys.sound(h.present) {
			l.advise(i.spot("routes", h.at), "say via or interface", "the next hop leads nowhere")
		}
	}
}

// checkRule finds the family of a rule, and sees that it does one thing.
func (i *instance) checkRule(l *loader, r *ruleEntry) {
	at := i.spot("rules", r.at)
	family := *i
	if r.said != 0 {
		family.Family = r.said
	} else if family.Family == 0 {
		family.Family = event.IPv4
	}
	r.Family = family.one(l, "rules", r.present, part{"from", r.From.Addr()}, part{"to", r.To.Addr()})
	if r.said != 0 && r.said != r.Family {
		l.fail(i.spot("rules", r.present["family"]), "the addresses are %s", r.Family)
	}
	_, table := r.present["table"]
	_, target := r.present["goto"]
	_, suppress := r.present["suppress_prefixlength"]
	lookup := r.Action == route.Lookup
	switch {
	case lookup && !table && !r.L3MDev && !r.present["action"].bad && !r.present["l3mdev"].bad:
		l.advise(at, "say the table to look up, or an action", "the rule does nothing")
	case !ruleKeys.sound(r.present):
	case lookup && table && r.L3MDev:
		l.advise(at, "leave one out", "a rule with l3mdev has no table")
	case !lookup && (table || r.L3MDev || suppress):
		l.advise(at, "leave out table, l3mdev and suppress_prefixlength, or the action", "a rule that looks nothing up has no table")
	case (r.Action == route.Goto) != target:
		l.advise(at, "say both action: goto and goto: the priority of another rule", "goto has no target, or the target no goto")
	case target && r.Goto <= r.Priority:
		l.advise(at, "a rule can only go on with one behind it", "goto %d does not lead behind the priority %d", r.Goto, r.Priority)
	}
}

// preferences are those of RFC 4191, as the kernel has them.
var preferences = choice(words[uint8]{{"low", 3}, {"medium", 0}, {"high", 1}})

// tos reads a type of service: 16, or 0x10.
func tos(l *loader, at place) (uint8, bool) {
	s, ok := l.word(at, "a type of service")
	if !ok {
		return 0, false
	}
	n, ok := word32(s)
	if !ok || n > 255 {
		l.advise(at, "write it like 16 or 0x10", "%s is not a type of service", show(s))
		return 0, false
	}
	return uint8(n), true
}

// protocols are those that have names here; others have numbers.
var protocols = map[string]uint8{
	"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ospf": 89, "vrrp": 112, "sctp": 132, "udplite": 136,
}

func protocolNames() []string { return slices.Sorted(maps.Keys(protocols)) }

// ipProtocol reads the name or the number of a protocol.
func ipProtocol(l *loader, at place) (uint8, bool) {
	if at.node.Kind == tree.Scalar {
		if n, ok := protocols[at.node.Text]; ok {
			return n, true
		}
		if !digits.MatchString(at.node.Text) {
			l.advise(at, "write tcp, udp or its number", "%s is no protocol", show(at.node.Text))
			return 0, false
		}
	}
	return number[uint8](1, 255).read(l, at)
}

// portRange reads a port, or two with all between.
func portRange(l *loader, at place) (route.Range, bool) { return rangeOf(l, at, "port", 1, 65535) }

// userRange reads the number of a user, or two with all between.
func userRange(l *loader, at place) (route.Range, bool) { return rangeOf(l, at, "user", 0, 1<<32-1) }

// rangeOf reads 80, or 80-90.
func rangeOf(l *loader, at place, what string, least, most uint64) (route.Range, bool) {
	s, ok := l.word(at, "a "+what)
	if !ok {
		return route.Range{}, false
	}
	first, last, more := strings.Cut(s, "-")
	if !more {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 64)
	upto, err2 := strconv.ParseUint(last, 10, 64)
	if err != nil || err2 != nil || from < least || upto > most || from > upto {
		l.advise(at, "write it like 1024 or 1024-2047", "%s is no %s between %d and %d, and no range of such", show(s), what, least, most)
		return route.Range{}, false
	}
	return route.Range{First: uint32(from), Last: uint32(upto)}, true
}

// metricKeys are the metrics of a route, by the words of ip route.
var metricKeys = table[route.Metrics]{
	{"mtu", optional, metric("mtu"), "The MTU of the path.", ""},
	{"advmss", optional, metric("advmss"), "The MSS that is advertised to TCP peers.", ""},
	{"window", optional, metric("window"), "The largest TCP window that is advertised.", ""},
	{"rtt", optional, metric("rtt"), "The first guess of the round-trip time, in 1/8 ms.", ""},
	{"rttvar", optional, metric("rttvar"), "Its variance, in 1/4 ms.", ""},
	{"rto_min", optional, metric("rto_min"), "The least timeout of a retransmission, in ms.", ""},
	{"ssthresh", optional, metric("ssthresh"), "The first slow-start threshold.", ""},
	{"cwnd", optional, metric("cwnd"), "The clamp of the congestion window.", ""},
	{"initcwnd", optional, metric("initcwnd"), "The first congestion window, in segments.", ""},
	{"initrwnd", optional, metric("initrwnd"), "The first receive window, in segments.", ""},
	{"reordering", optional, metric("reordering"), "How much reordering is expected.", ""},
	{"hoplimit", optional, metric("hoplimit"), "The TTL or hop limit of what is sent.", ""},
	{"quickack", optional, metric("quickack"), "1: acknowledge at once.", ""},
	{"fastopen_no_cookie", optional, metric("fastopen_no_cookie"), "1: TCP Fast Open without a cookie.", ""},
	{"features", optional, metric("features"), "A set of bits; 1: ECN.", ""},
	{"congctl", optional, value[route.Metrics]{Description{Type: Text}, func(l *loader, at place, m *route.Metrics) bool {
		s, ok := someText(l, at)
		m.SetCongestion(s)
		return ok
	}}, "The algorithm of congestion control.", ""},
	{"lock", optional, value[route.Metrics]{listOf(Description{Type: Text, Range: "the name of a metric"}, 0), readLocks},
		"Those metrics that the kernel does not change by what it learns.", ""},
}

// metric is one that is a number.
func metric(name string) value[route.Metrics] {
	read := number[uint32](0, 1<<32-1)
	n, _ := route.MetricOf(name)
	return value[route.Metrics]{read.what, func(l *loader, at place, m *route.Metrics) bool {
		v, ok := read.read(l, at)
		if ok {
			m.Set(n, v)
		}
		return ok
	}}
}

// readLocks reads the names of metrics.
func readLocks(l *loader, at place, m *route.Metrics) bool {
	names, ok := each(as(Description{Type: Text}, func(l *loader, at place) (route.Metric, bool) {
		s, ok := l.word(at, "the name of a metric")
		if !ok {
			return 0, false
		}
		n, ok := route.MetricOf(s)
		if !ok {
			l.advise(at, "write mtu, or another key of metrics", "%s is no metric", show(s))
		}
		return n, ok
	})).read(l, at)
	for _, n := range names {
		m.Lock(n)
	}
	return ok
}
