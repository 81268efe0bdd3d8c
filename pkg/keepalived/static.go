package keepalived

import (
	"net/netip"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// staticSet returns the static_ blocks as an instance without any other setting.
func (t *translator) staticSet(s *syntax.Statement) *instance {
	if t.static == nil {
		t.static = &instance{heading: "static", at: s.At(), holds: map[netip.Addr]bool{}}
	}
	return t.static
}

// read reads the routes and rules of an instance, once everything else about it is known.
func (rs *routes) read(i *instance) {
	for _, line := range i.routeLines {
		if n := rs.route(line, i); n != nil {
			i.routes = append(i.routes, n)
		}
	}
	for _, line := range i.ruleLines {
		if n := rs.rule(line, i); n != nil {
			i.rules = append(i.rules, n)
		}
	}
	i.routes = rs.lastOfEach(i.routes)
	i.rules = rs.firstOfEach(i.rules)
}

// lastOfEach leaves out routes that a later one replaces: the kernel puts a route before those
// added earlier, and uses the first.
func (rs *routes) lastOfEach(all []*tree.Node) (kept []*tree.Node) {
	last := map[string]*tree.Node{}
	for _, n := range all {
		last[placeOf(n)] = n
	}
	for _, n := range all {
		if last[placeOf(n)] != n {
			rs.report.Ignore(n.Position, "give one of them another metric, or write both gateways as nexthop",
				"the route is left out: a later line has a route to the same destination with the same metric, which the kernel uses instead")
			continue
		}
		kept = append(kept, n)
	}
	return kept
}

// firstOfEach leaves out rules that exist already, as the kernel does.
func (rs *routes) firstOfEach(all []*tree.Node) (kept []*tree.Node) {
	seen := map[string]bool{}
	for _, n := range all {
		text := n.YAML()
		if seen[text] {
			rs.report.Ignore(n.Position, "leave one out", "the rule is left out: an earlier line has the same rule")
			continue
		}
		seen[text] = true
		kept = append(kept, n)
	}
	return kept
}

// placeOf returns what identifies a route to the kernel.
func placeOf(n *tree.Node) (place string) {
	for _, key := range []string{"to", "table", "metric", "tos"} {
		if e := n.Find(key); e != nil {
			place += key + " " + e.Value.Text + " "
		}
	}
	return place
}

// completeStatic sets the interface of addresses without one.
func (t *translator) completeStatic() {
	i := t.static
	if i == nil {
		return
	}
	t.Subject = i.title()
	standard := t.globals.defaultInterface
	if standard.Text == "" {
		standard = syntax.Word{Text: "eth0", Position: i.at}
	}
	for n := range i.addresses {
		a := &i.addresses[n]
		if a.device.Text == "" {
			a.device = standard
			t.Ignore(a.at, "add dev and the interface", "the address has no interface: ripcord adds it to %s", syntax.Show(standard.Text))
		}
		switch p := &a.preferred; {
		case p.value == 1: // that is the default
			*p = number{}
		case a.prefix.Addr().Is6() && a.prefix.IsSingleIP():
			*p = number{0, a.at, true}
		}
		i.devices = append(i.devices, device{a.follow, a.device, a.prefix.Addr().String()})
	}
	t.routes.read(i)
	t.Subject = ""
}

// staticTree adds the section static.
func (t *translator) staticTree(root builder) {
	i := t.static
	if i == nil {
		return
	}
	m := newMap(i.at, i.title())
	var addresses []*tree.Node
	for _, a := range i.addresses {
		addresses = append(addresses, a.tree(m.Name))
	}
	m.list("addresses", addresses)
	m.list("routes", i.routes)
	m.list("rules", i.rules)
	root.nested("static", m)
}
