package keepalived

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// routes reads the routes and policy rules of instances for a machine.
type routes struct {
	report *syntax.Report
	system System
	rules  map[int]int // the number of those without a priority so far, by family
}

// routeTypes are the types with which a route may begin.
var routeTypes = []string{"unicast", "blackhole", "unreachable", "prohibit", "local", "broadcast", "multicast", "throw", "nat", "anycast"}

// A lineReader reads the words of one line in iproute2's syntax.
type lineReader struct {
	*routes
	i     *instance
	what  string // "the route" or "the rule"
	words []syntax.Word
	n     int // index of the current word
	m     builder
	bad   bool // the line is left out, with a note
	follow
}

// next returns the word after the current one, and moves to it.
func (r *lineReader) next() syntax.Word {
	if r.n+1 >= len(r.words) {
		r.leave(r.words[r.n], "", "%s has no value", syntax.Show(r.words[r.n].Text))
		return syntax.Word{Position: r.words[r.n].Position, Text: "0"}
	}
	r.n++
	return r.words[r.n]
}

// passOver skips the word after a family, as keepalived does by mistake.
func (r *lineReader) passOver(w syntax.Word) {
	lost := r.next()
	r.report.Ignore(lost.Position, "leave "+w.Text+" out, and write 0.0.0.0/0 or ::/0 in place of default",
		"%s has no effect after %s: keepalived skips the word", syntax.Show(lost.Text), w.Text)
}

// leave notes that ripcord leaves the line out, as keepalived does.
func (r *lineReader) leave(w syntax.Word, hint, format string, args ...any) {
	if !r.bad {
		r.report.Ignore(w.Position, hint, r.what+" is left out: "+format, args...)
	}
	r.bad = true
}

// refuse notes that ripcord does not install the line, which keepalived would install.
func (r *lineReader) refuse(w syntax.Word, format string, args ...any) {
	if !r.bad {
		r.report.NotDone(w.Position, "", r.what+" is not installed: "+format, args...)
	}
	r.bad = true
}

// set adds a key to the result. If a key comes twice, the last one is used, with a note.
func (r *lineReader) set(key string, w syntax.Word, value string) {
	if e := r.m.Find(key); e != nil && e.Value.Text != value {
		r.report.Ignore(w.Position, "keep one of them", "%s is given twice: ripcord uses %s, and not %s", key, syntax.Show(value), syntax.Show(e.Value.Text))
	}
	r.m.drop(key)
	r.m.text(key, w.Position, value)
}

// tos reads a type of service, which ip route shows in hexadecimal.
func (r *lineReader) tos() {
	next := r.next()
	n, err := strconv.ParseUint(next.Text, 0, 8)
	if err != nil {
		r.refuse(next, "%s is not a type of service between 0 and 255", syntax.Show(next.Text))
		return
	}
	r.set("tos", next, "0x"+strconv.FormatUint(n, 16))
}

// A routeReader reads one route.
type routeReader struct {
	lineReader
	kind     string
	to, via  netip.Prefix
	metrics  builder
	lock     []*tree.Node
	protocol syntax.Word
	hops     []*tree.Node
}

// route reads one route in the syntax of ip route. It returns nil if the route cannot be installed.
func (rs *routes) route(s *syntax.Statement, i *instance) *tree.Node {
	title := i.title() + ": route"
	r := &routeReader{kind: "unicast"}
	r.lineReader = lineReader{routes: rs, i: i, what: "the route", words: s.Words, m: newMap(s.At(), title)}
	r.metrics = newMap(s.At(), title)
	for ; r.n < len(r.words) && !r.bad; r.n++ {
		if w := r.words[r.n]; !r.direction(w) && !r.option(w) && !r.metric(w) {
			r.destination(w)
		}
	}
	if r.bad {
		return nil
	}
	return r.finish(s)
}

// direction reads where the route leads.
func (r *routeReader) direction(w syntax.Word) bool {
	switch w.Text {
	case "via", "gw":
		next := r.next()
		if next.Text == "inet" || next.Text == "inet6" {
			next = r.next()
		}
		a, err := netip.ParseAddr(next.Text)
		if err != nil {
			r.leave(next, "", "%s is not a gateway", syntax.Show(next.Text))
			return true
		}
		r.via = netip.PrefixFrom(a, a.BitLen())
		r.set("via", next, next.Text)
	case "dev", "oif":
		next := r.next()
		r.set("interface", next, next.Text)
	case "onlink":
		r.set("onlink", w, "true")
	case "nexthop":
		r.nexthops()
	case "or":
		first := newMap(w.Position, r.m.Name)
		if e := r.m.Find("via"); e != nil {
			first.text("via", e.Position, e.Value.Text)
			r.hops = append(r.hops, first.Node)
		}
		r.m.drop("via")
		next := r.next()
		second := newMap(next.Position, r.m.Name)
		second.text("via", next.Position, next.Text)
		if r.hops = append(r.hops, second.Node); !r.sound(second, "the route") {
			r.bad = true
		}
	case "encap":
		r.refuse(w, "ripcord does not support the encapsulation %s", syntax.Show(r.next().Text))
	case "vrf":
		r.refuse(w, "ripcord does not look up the table of a VRF: write table and its number instead")
	default:
		return false
	}
	return true
}

// nexthops reads the next hops, which are the rest of the line.
func (r *routeReader) nexthops() {
	for r.n < len(r.words) && !r.bad {
		w := r.words[r.n]
		switch last := len(r.hops) - 1; {
		case w.Text == "nexthop":
			r.hops = append(r.hops, newMap(w.Position, r.m.Name).Node)
		case w.Text == "via" && r.n+1 < len(r.words) && (r.words[r.n+1].Text == "inet" || r.words[r.n+1].Text == "inet6"):
			r.words = slices.Delete(slices.Clone(r.words), r.n+1, r.n+2)
			continue
		case w.Text == "via", w.Text == "dev", w.Text == "weight":
			key := map[string]string{"via": "via", "dev": "interface", "weight": "weight"}[w.Text]
			next := r.next()
			builder{r.hops[last]}.text(key, next.Position, canonical(next.Text))
		case w.Text == "onlink":
			builder{r.hops[last]}.text("onlink", w.Position, "true")
		case w.Text == "encap", w.Text == "realms":
			r.refuse(w, "ripcord does not support %s for a next hop", w.Text)
		case w.Text == "no_track": // keepalived reads it only before the next hops
			r.report.Ignore(w.Position, "write it before the first nexthop", "%s has no effect after nexthop", w.Text)
		default:
			r.report.Ignore(w.Position, "", "%s is not a keyword of a next hop: ripcord leaves the word out", syntax.Show(w.Text))
		}
		r.n++
	}
	for _, h := range r.hops {
		if !r.bad && !r.sound(builder{h}, "the route") {
			r.bad = true
		}
	}
}

// option reads a word that further identifies or describes the route.
func (r *routeReader) option(w syntax.Word) bool {
	switch w.Text {
	case "src":
		next := r.next()
		r.set("source", next, next.Text)
	case "table":
		next := r.next()
		table, ok := r.table(next)
		if !ok {
			r.leave(next, "", "no routing table is called %s", syntax.Show(next.Text))
		}
		r.set("table", next, table)
	case "metric", "priority", "preference":
		next := r.next()
		r.set("metric", next, canonical(next.Text))
	case "scope":
		next := r.next()
		r.set("scope", next, canonical(next.Text))
	case "tos", "dsfield":
		r.tos()
	case "pref":
		next := r.next()
		r.set("preference", next, next.Text)
	case "no_track":
		r.untracked = true
	case "protocol":
		r.protocol = r.next()
	case "track_group":
		r.trackGroup = r.next()
	case "inet", "inet6":
		r.passOver(w)
	case "add", "prepend", "append":
	case "from":
		r.refuse(w, "ripcord has no routes for a source network (from): use a rule in virtual_rules and a table")
	case "as":
		r.refuse(w, "ripcord does not support as")
	case "realms", "realm", "expires", "ttl-propagate":
		r.report.Differ(w.Position, "", "ripcord installs the route without %s %s", w.Text, syntax.Show(r.next().Text))
	default:
		return false
	}
	return true
}

// metricWords are the metrics that the kernel keeps for a route's connections.
var metricWords = []string{"mtu", "advmss", "window", "rtt", "rttvar", "rto_min", "ssthresh", "cwnd", "initcwnd", "initrwnd", "reordering", "hoplimit", "quickack", "fastopen_no_cookie", "features", "congctl"}

// scales are the factors between ms and the units in which the kernel keeps times.
var scales = map[string]int{"rtt": 8, "rttvar": 4, "rto_min": 1}

// metric reads a metric.
func (r *routeReader) metric(w syntax.Word) bool {
	if !slices.Contains(metricWords, w.Text) {
		return false
	}
	next := r.next()
	if next.Text == "lock" {
		r.lock = append(r.lock, scalar(w.Text, next.Position))
		next = r.next()
	}
	value, ok := next.Text, true
	switch {
	case w.Text == "features":
		value, ok = "1", next.Text == "ecn"
	case w.Text != "congctl":
		value, ok = metricValue(next.Text, scales[w.Text])
	}
	if !ok {
		r.leave(next, "", "%s is not a valid %s", syntax.Show(next.Text), w.Text)
	}
	if scales[w.Text] > 1 && strings.HasSuffix(next.Text, "s") {
		r.report.Differ(next.Position, "", "ripcord uses %s %s as written; keepalived uses ten times as much", w.Text, next.Text)
	}
	r.metrics.drop(w.Text)
	r.metrics.text(w.Text, next.Position, value)
	return true
}

// metricValue reads a number. A time may have the unit s or ms.
func metricValue(text string, scale int) (string, bool) {
	if scale > 0 {
		if ms, ok := strings.CutSuffix(text, "ms"); ok {
			n, err := strconv.ParseUint(ms, 10, 20)
			return strconv.FormatUint(n*uint64(scale), 10), err == nil
		}
		if s, ok := strings.CutSuffix(text, "s"); ok {
			n, err := strconv.ParseUint(s, 10, 12)
			return strconv.FormatUint(n*1000*uint64(scale), 10), err == nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return strconv.FormatUint(n, 10), err == nil
}

// destination reads the destination, which its type may precede.
func (r *routeReader) destination(w syntax.Word) {
	if w.Text == "to" {
		w = r.next()
	}
	if slices.Contains(routeTypes, w.Text) {
		if r.kind = w.Text; r.n+1 == len(r.words) {
			return
		}
		w = r.next()
	}
	switch p, ok := lenientPrefix(r.report, w); {
	case w.Text == "default" || w.Text == "any" || w.Text == "all":
		r.set("to", w, "default")
	case w.Text == default6:
		r.to = anywhere6
		r.set("to", w, anywhere6.String())
	case !ok:
		r.leave(w, spelling.DidYouMean(nearest(w.Text, routeWords)), "%s is neither a keyword of a route nor a network", syntax.Show(w.Text))
	default:
		r.to = p.Masked()
		r.set("to", w, r.to.String())
	}
}

// default6 is an older word for all of IPv6.
const default6 = "default6"

var anywhere6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)

// routeWords are the keywords of a route.
var routeWords = slices.Concat(metricWords, []string{"src", "via", "dev", "table", "metric", "scope", "tos", "protocol", "onlink", "nexthop", "no_track", "pref"})

// six reports whether the route is an IPv6 route.
func (r *routeReader) six() bool {
	if r.to.IsValid() {
		return r.to.Addr().Is6()
	}
	if r.via.IsValid() {
		return r.via.Addr().Is6()
	}
	for _, h := range r.hops {
		if e := (builder{h}).Find("via"); e != nil {
			return strings.Contains(e.Value.Text, ":")
		}
	}
	e := r.m.Find("source")
	return e != nil && strings.Contains(e.Value.Text, ":")
}

// finish completes the route.
func (r *routeReader) finish(s *syntax.Statement) *tree.Node {
	switch to := r.m.Find("to"); {
	case to == nil:
		r.report.Ignore(s.At(), "", "the route is left out: it has no destination")
		return nil
	case to.Value.Text == "default" && r.six():
		to.Value.Text = "::/0"
	case to.Value.Text == "default" && r.i.family == 6: // for keepalived it is an IPv4 route
		to.Value.Text = "0.0.0.0/0"
	}
	if !r.sound(r.m, "the route") || r.mixed() || !r.typed(s) || !r.scoped(s) {
		return nil
	}
	for _, hop := range append(slices.Clone(r.hops), r.m.Node) {
		if e := hop.Find("onlink"); e != nil && hop.Find("interface") == nil {
			r.report.Ignore(e.Position, "write dev and the interface", "the route is left out: the kernel rejects a gateway with onlink and without an interface")
			return nil
		}
	}
	if r.untracked && r.protocol.Text != "" {
		r.report.Differ(r.protocol.Position, "", "ripcord installs the route with its own protocol, 112, and not with %s", syntax.Show(r.protocol.Text))
	}
	if len(r.hops) > 0 {
		if e := r.m.Find("via"); e != nil {
			r.report.Ignore(e.Position, "write it as another nexthop", "via has no effect in a route with nexthop")
		}
		r.m.drop("via", "interface", "onlink")
		r.m.list("nexthops", r.hops)
	}
	if len(r.lock) > 0 {
		r.metrics.list("lock", r.lock)
	}
	r.m.nested("metrics", r.metrics)
	r.stands("interface")
	r.outgoing()
	return r.m.Node
}

// mixed reports whether parts of the route are of different families, and notes it.
func (r *routeReader) mixed() bool {
	parts := []*tree.Node{r.m.Node}
	parts = append(parts, r.hops...)
	family := 0
	if r.to.IsValid() {
		family = familyOf(r.to.Addr())
	}
	for _, part := range parts {
		for _, key := range []string{"via", "source"} {
			e := part.Find(key)
			if e == nil {
				continue
			}
			a, err := netip.ParseAddr(e.Value.Text)
			switch {
			case err != nil: // noted already
			case family == 0:
				family = familyOf(a)
			case family != familyOf(a):
				r.leave(syntax.Word{Position: e.Value.Position}, "", "%s is not an IPv%d address", syntax.Show(e.Value.Text), family)
				return true
			}
		}
	}
	return false
}

// typed checks that the route fits its type, and notes it if not.
func (r *routeReader) typed(s *syntax.Statement) bool {
	switch r.kind {
	case "unicast":
	case "nat":
		r.refuse(s.Words[0], "the kernel does not support the type nat")
		return false
	default:
		r.m.text("type", s.At(), r.kind)
	}
	if !slices.Contains(discarding, r.kind) {
		return true
	}
	for _, key := range []string{"via", "interface", "onlink"} {
		e := r.m.Find(key)
		switch {
		case e == nil:
		case r.six():
			r.report.Ignore(e.Position, "leave it out", "%s has no effect: a route of type %s has no next hop", key, r.kind)
		default:
			r.report.Ignore(e.Position, "leave it out", "the route is left out: the kernel rejects a route of type %s with %s", r.kind, key)
			return false
		}
	}
	r.m.drop("via", "interface", "source", "scope", "onlink")
	r.hops = nil
	return true
}

// discarding are the types of routes without a next hop.
var discarding = []string{"blackhole", "unreachable", "prohibit", "throw"}

// minScopes are the smallest scopes that the kernel accepts for a route, by its type.
var minScopes = map[string]string{"local": "host", "broadcast": "link", "anycast": "link"}

// scopeNumbers maps the names of scopes to numbers.
var scopeNumbers = map[string]int{"global": 0, "site": 200, "link": 253, "host": 254}

// scoped checks the scope of the route. keepalived gives an IPv4 route without a scope the scope
// global, which ip route does not.
func (r *routeReader) scoped(s *syntax.Statement) bool {
	e := r.m.Find("scope")
	if r.six() {
		r.m.drop("scope") // the kernel ignores it
		return true
	}
	if slices.Contains(discarding, r.kind) {
		return true
	}
	scope, at := 0, s.At()
	if e != nil {
		at = e.Position
		n, named := scopeNumbers[e.Value.Text]
		if !named {
			n, _ = strconv.Atoi(e.Value.Text)
		}
		scope = n
	}
	gateway := r.via.IsValid() || slices.ContainsFunc(r.hops, func(h *tree.Node) bool { return builder{h}.Find("via") != nil })
	switch smallest := minScopes[r.kind]; {
	case scope < scopeNumbers[smallest]:
		r.report.Ignore(at, "write scope "+smallest, "the route is left out: the kernel rejects a route of type %s with scope %d", r.kind, scope)
		return false
	case gateway && scope >= scopeNumbers["link"]:
		r.report.Ignore(at, "leave scope out", "the route is left out: the kernel rejects a route with a gateway and scope %s", e.Value.Text)
		return false
	case e == nil && !gateway:
		r.m.text("scope", s.At(), "global")
	}
	return true
}

// outgoing sets the interface. Without dev the kernel finds it by the gateway, and so does ripcord
// if the key interface is missing.
func (r *routeReader) outgoing() {
	if e := r.m.Find("interface"); e != nil && e.Value.Text == r.i.iface.Text && !r.via.IsValid() {
		r.m.drop("interface")
	}
}

// markPattern matches a firewall mark with an optional mask.
var markPattern = regexp.MustCompile(`^(0x[0-9A-Fa-f]{1,8}|[0-9]{1,9})(/(0x[0-9A-Fa-f]{1,8}|[0-9]{1,9}))?$`)

// sound reports whether the values of a route or a rule are valid.
func (rs *routes) sound(m builder, what string) bool {
	for _, e := range m.Entries {
		ok := true
		switch text := e.Value.Text; e.Key {
		case "via", "source":
			a, err := netip.ParseAddr(text)
			ok = err == nil && a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
		case "metric", "priority":
			n, err := strconv.ParseUint(text, 10, 32)
			ok = err == nil && (n > 0 || e.Key == "metric")
			e.Value.Text = strconv.FormatUint(n, 10)
		case "scope":
			ok = isScope(text) && text != "nowhere" && text != "255"
		case "fwmark":
			ok = markPattern.MatchString(text)
		case "interface", "iif", "oif":
			ok = isLink(text)
		}
		if !ok {
			rs.report.Ignore(e.Position, "", "%s is left out: %s is not a valid %s", what, syntax.Show(e.Value.Text), e.Key)
			return false
		}
	}
	return true
}

// drop removes keys.
func (b builder) drop(keys ...string) {
	b.Entries = slices.DeleteFunc(b.Entries, func(e tree.Entry) bool { return slices.Contains(keys, e.Key) })
}

// table returns a routing table by its number or its name.
func (rs *routes) table(w syntax.Word) (string, bool) {
	if n, err := strconv.ParseUint(w.Text, 0, 32); err == nil {
		return strconv.FormatUint(n, 10), n > 0
	}
	n, ok := rs.system.Table(w.Text)
	return strconv.FormatUint(uint64(n), 10), ok
}
