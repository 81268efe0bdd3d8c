package keepalived

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// routes reads the routes and policy rules of instances for a machine.
type routes struct {
	report *syntax.Report
	system System
	rules  map[int]int // those without a priority so far, by their family
}

// routeTypes are the types of routes that a file may begin with.
var routeTypes = []string{"unicast", "blackhole", "unreachable", "prohibit", "local", "broadcast", "multicast", "throw", "nat", "anycast"}

// route reads one route in the syntax of ip route; nil: it cannot be placed.
func (rs *routes) route(s *syntax.Statement, i *instance) *tree.Node {
	m := newMap(s.At(), i.title()+": route")
	kind, via, device := "unicast", netip.Addr{}, ""
	words := s.Words
	refuse := func(w syntax.Word, what string) *tree.Node {
		rs.report.NotDone(w.Position, "", "the route is not placed: %s", what)
		return nil
	}
	for n := 0; n < len(words); n++ {
		w := words[n]
		next := syntax.Word{Position: w.Position}
		if n+1 < len(words) {
			next = words[n+1]
		}
		switch w.Text {
		case "to":
		case "src", "from":
			m.text("source", next.Position, next.Text)
			n++
		case "via", "gw":
			if next.Text == "inet" || next.Text == "inet6" {
				n++
				next = words[min(n+1, len(words)-1)]
			}
			via, _ = netip.ParseAddr(next.Text)
			m.text("via", next.Position, next.Text)
			n++
		case "dev", "oif":
			if device = next.Text; device != i.iface.Text {
				m.text("interface", next.Position, device)
			}
			n++
		case "table":
			if table, ok := rs.table(next); ok {
				m.text("table", next.Position, table)
			} else {
				return refuse(next, "no routing table is called "+syntax.Show(next.Text))
			}
			n++
		case "metric", "priority", "preference":
			m.text("metric", next.Position, next.Text)
			n++
		case "scope":
			m.text("scope", next.Position, next.Text)
			n++
		case "no_track", "onlink":
			if w.Text == "onlink" {
				rs.report.Differ(w.Position, "", "the route is placed without %s", w.Text)
			}
		case "proto", "protocol", "track_group":
			n++
		case "or", "nexthop", "as", "encap", "tos", "dsfield":
			return refuse(w, w.Text+" is not supported")
		default:
			switch {
			case slices.Contains(routeTypes, w.Text) && m.Find("to") == nil:
				kind = w.Text
			case m.Find("to") == nil:
				to, ok := destination(w.Text)
				if !ok {
					return refuse(w, syntax.Show(w.Text)+" is not a network")
				}
				m.text("to", w.Position, to)
			case takesValue(w.Text):
				rs.report.Differ(w.Position, "", "the route is placed without %s %s", w.Text, next.Text)
				n++
			default:
				rs.report.Differ(w.Position, "", "the route is placed without %s", syntax.Show(w.Text))
			}
		}
	}
	return rs.complete(m, s, kind, via, device, i)
}

// takesValue reports whether an option of a route has a value.
func takesValue(option string) bool {
	return slices.Contains([]string{"mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "initcwnd", "initrwnd",
		"ssthresh", "realms", "realm", "features", "quickack", "congctl", "pref", "ttl-propagate", "fastopen_no_cookie", "expires", "weight", "rto_min", "lock"}, option)
}

// complete completes a route.
func (rs *routes) complete(m builder, s *syntax.Statement, kind string, via netip.Addr, device string, i *instance) *tree.Node {
	if m.Find("to") == nil {
		rs.report.Ignore(s.At(), "", "the route has no destination: it is left out")
		return nil
	}
	if !rs.sound(m, "the route") {
		return nil
	}
	switch kind {
	case "unicast":
	case "blackhole", "unreachable", "prohibit":
		m.text("type", s.At(), kind)
		m.drop("via", "interface", "source", "scope")
		return m.Node
	default:
		rs.report.NotDone(s.At(), "", "the route is not placed: the type %s is not supported", kind)
		return nil
	}
	if e := m.Find("scope"); e != nil {
		reach := e.Value.Text
		if via.IsValid() && (reach == "link" || reach == "host") || strings.Contains(m.Find("to").Value.Text, ":") {
			m.drop("scope")
		}
	} else if !via.IsValid() && i.family != 6 {
		m.text("scope", s.At(), "global") // by itself it would be link
	}
	// Without dev the kernel finds the interface by the gateway; the address of the instance in
	// its network tells it.
	if device == "" && via.IsValid() {
		for _, a := range slices.Concat(i.addresses, i.extra) {
			if a.device.Text != "" && a.device.Text != i.iface.Text && a.prefix.Masked().Contains(via) {
				m.text("interface", a.device.Position, a.device.Text)
				break
			}
		}
	}
	return m.Node
}

// markPattern is a firewall mark, perhaps with a mask.
var markPattern = regexp.MustCompile(`^(0x[0-9A-Fa-f]{1,8}|[0-9]{1,9})(/(0x[0-9A-Fa-f]{1,8}|[0-9]{1,9}))?$`)

// sound reports whether the values of a route or a rule can be used.
func (rs *routes) sound(m builder, what string) bool {
	for _, e := range m.Entries {
		ok := true
		switch text := e.Value.Text; e.Key {
		case "via", "source":
			a, err := netip.ParseAddr(text)
			ok = err == nil && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
		case "metric", "priority":
			n, err := strconv.ParseUint(text, 10, 32)
			ok = err == nil && (n > 0 || e.Key == "metric")
			e.Value.Text = strconv.FormatUint(n, 10)
		case "scope":
			ok = isScope(text) && text != "nowhere" && text != "255"
		case "fwmark":
			ok = markPattern.MatchString(text)
		case "interface", "iif":
			ok = isLink(text)
		}
		if !ok {
			rs.report.Ignore(e.Position, "", "%s is left out: %s is no value of %s", what, syntax.Show(e.Value.Text), e.Key)
			return false
		}
	}
	return true
}

// drop removes keys.
func (b builder) drop(keys ...string) {
	b.Entries = slices.DeleteFunc(b.Entries, func(e tree.Entry) bool { return slices.Contains(keys, e.Key) })
}

// destination is a network as ripcord's keys have it.
func destination(text string) (string, bool) {
	if text == "default" {
		return text, true
	}
	p, ok := prefixIn(text)
	if !ok {
		return "", false
	}
	return p.Masked().String(), true
}

// table returns a routing table, by its number or its name.
func (rs *routes) table(w syntax.Word) (string, bool) {
	if n, err := strconv.ParseUint(w.Text, 0, 32); err == nil {
		return strconv.FormatUint(n, 10), n > 0
	}
	n, ok := rs.system.Table(w.Text)
	return strconv.FormatUint(uint64(n), 10), ok
}

// firstRule is the priority that keepalived gives the first rule without one; those that
// follow go down from it.
const firstRule = 16384

// rule reads one rule of an instance in the syntax of ip rule; nil: it cannot be placed.
func (rs *routes) rule(s *syntax.Statement, i *instance) *tree.Node {
	m := newMap(s.At(), "rule")
	refuse := func(w syntax.Word, what string) *tree.Node {
		rs.report.NotDone(w.Position, "", "the rule is not placed: %s", what)
		return nil
	}
	for n := 0; n < len(s.Words); n++ {
		w := s.Words[n]
		if w.Text == "no_track" || w.Text == "unicast" {
			continue
		}
		if n+1 == len(s.Words) {
			return refuse(w, w.Text+" is not supported")
		}
		n++
		next := s.Words[n]
		switch w.Text {
		case "from", "to":
			network, ok := destination(next.Text)
			switch {
			case next.Text == "all" || next.Text == "any" || next.Text == "default":
			case !ok:
				return refuse(next, syntax.Show(next.Text)+" is not a network")
			default:
				m.text(w.Text, next.Position, network)
			}
		case "table", "lookup":
			table, ok := rs.table(next)
			if !ok {
				return refuse(next, "no routing table is called "+syntax.Show(next.Text))
			}
			m.text("table", next.Position, table)
		case "priority", "preference", "pref", "order":
			m.text("priority", next.Position, next.Text)
		case "iif", "dev":
			m.text("iif", next.Position, next.Text)
		case "fwmark":
			m.text("fwmark", next.Position, next.Text)
		case "track_group", "protocol", "proto":
		default:
			return refuse(w, w.Text+" is not supported")
		}
	}
	if !rs.sound(m, "the rule") {
		return nil
	}
	if m.Find("table") == nil {
		rs.report.Ignore(s.At(), "say table", "the rule leads to no table: it is left out")
		return nil
	}
	if m.Find("priority") == nil {
		priority := firstRule - rs.rules[i.family]
		rs.rules[i.family]++
		m.text("priority", s.At(), strconv.Itoa(priority))
		rs.report.Ignore(s.At(), "say priority", "the rule has no priority: it gets %d", priority)
	}
	return m.Node
}
