package keepalived

import (
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
)

// firstRule is the priority that keepalived gives the first rule without one. Each further one gets
// the next lower priority.
const firstRule = 16384

// ruleActions are the actions of a rule other than looking up a table.
var ruleActions = []string{"goto", "nop", "blackhole", "unreachable", "prohibit"}

// rule reads one rule in the syntax of ip rule. It returns nil if the rule cannot be installed.
func (rs *routes) rule(s *syntax.Statement, i *instance) *tree.Node {
	r := &lineReader{routes: rs, i: i, what: "the rule", words: s.Words, m: newMap(s.At(), i.title()+": rule")}
	protocol := syntax.Word{}
	for ; r.n < len(r.words) && !r.bad; r.n++ {
		switch w := r.words[r.n]; {
		case w.Text == "no_track":
			r.untracked = true
		case w.Text == "protocol":
			protocol = r.next()
		case w.Text == "track_group":
			r.trackGroup = r.next()
		case w.Text == "inet", w.Text == "inet6":
			r.m.drop("family")
			r.m.text("family", w.Position, map[string]string{"inet": "ipv4", "inet6": "ipv6"}[w.Text])
			r.passOver(w)
		case r.selects(w) || r.does(w):
		default:
			r.leave(w, spelling.DidYouMean(nearest(w.Text, ruleWords)), "%s is not a keyword of a rule", syntax.Show(w.Text))
		}
	}
	if r.bad || !rs.sound(r.m, "the rule") {
		return nil
	}
	if r.untracked && protocol.Text != "" {
		rs.report.Differ(protocol.Position, "", "ripcord installs the rule with its own protocol, 112, and not with %s", syntax.Show(protocol.Text))
	}
	r.stands("iif")
	if !i.isStatic() {
		r.stands("oif") // keepalived ignores it in static_rules
	}
	return r.ruleOf(s)
}

// ruleWords are the keywords of a rule.
var ruleWords = slices.Concat(ruleActions, []string{
	"from", "to", "table", "lookup", "not", "preference", "order", "priority", "tos", "dsfield", "fwmark", "suppress_prefixlength", "dev", "iif", "oif",
	"uidrange", "l3mdev", "protocol", "ipproto", "sport", "dport", "no_track", "track_group", "type", "realms", "suppress_ifgroup", "tunnel-id",
})

// selects reads a selector of the rule.
func (r *lineReader) selects(w syntax.Word) bool {
	switch w.Text {
	case "from", "to":
		next := r.next()
		switch network, ok := lenientPrefix(r.report, next); {
		case next.Text == "all" || next.Text == "any" || next.Text == "default":
		case next.Text == default6:
			r.set(w.Text, next, anywhere6.String())
		case !ok:
			r.leave(next, "", "%s is not a network", syntax.Show(next.Text))
		default:
			r.set(w.Text, next, network.Masked().String())
		}
	case "not":
		r.set("not", w, "true")
	case "iif", "dev":
		next := r.next()
		r.set("iif", next, next.Text)
	case "oif", "fwmark":
		next := r.next()
		r.set(w.Text, next, next.Text)
	case "tos", "dsfield":
		r.tos()
	case "uidrange", "sport", "dport":
		r.numbers(w)
	case "ipproto":
		next := r.next()
		if number, ok := r.system.Protocol(next.Text); ok {
			r.set("ipproto", next, strconv.Itoa(int(number)))
		} else {
			r.report.Ignore(next.Position, "", "%s is not an IP protocol: the rule applies to all protocols", syntax.Show(next.Text))
		}
	case "realms", "tunnel-id", "suppress_ifgroup", "sup_group":
		r.refuse(w, "ripcord does not support %s", w.Text)
	default:
		return false
	}
	return true
}

// numbers reads a range of ports or of users.
func (r *lineReader) numbers(w syntax.Word) {
	next := r.next()
	first, last, more := strings.Cut(next.Text, "-")
	ports, size := w.Text != "uidrange", 32
	if ports {
		size = 16
	}
	from, err := strconv.ParseUint(first, 10, size)
	upto, err2 := strconv.ParseUint(last, 10, size)
	switch good := more && err == nil && err2 == nil && from <= upto; {
	case good && ports && from == 0:
		r.refuse(next, "port 0 is not valid")
	case good:
		r.set(w.Text, next, next.Text)
	case !ports:
		r.leave(next, "write it like 1000-1999", "%s is not a range of user IDs", syntax.Show(next.Text))
	default: // keepalived ignores it
		r.report.Ignore(next.Position, "write it like 80-80", "%s is not a range of ports: the rule applies to all ports", syntax.Show(next.Text))
	}
}

// does reads the action of the rule, and its priority.
func (r *lineReader) does(w syntax.Word) bool {
	if w.Text == "type" {
		w = r.next()
	}
	switch {
	case w.Text == "table" || w.Text == "lookup":
		next := r.next()
		table, ok := r.table(next)
		if !ok {
			r.leave(next, "", "no routing table is called %s", syntax.Show(next.Text))
		}
		r.once(w)
		r.m.text("table", next.Position, table)
	case w.Text == "l3mdev":
		r.once(w)
		r.m.text("l3mdev", w.Position, "true")
	case slices.Contains(ruleActions, w.Text):
		r.once(w)
		r.m.text("action", w.Position, w.Text)
		if w.Text == "goto" {
			next := r.next()
			r.m.text("goto", next.Position, canonical(next.Text))
		}
	case w.Text == "priority" || w.Text == "preference" || w.Text == "order":
		next := r.next()
		r.set("priority", next, canonical(next.Text))
	case w.Text == "suppress_prefixlength" || w.Text == "sup_pl":
		next := r.next()
		r.set("suppress_prefixlength", next, canonical(next.Text))
	default:
		return false
	}
	return true
}

// once checks that the rule has a single action.
func (r *lineReader) once(w syntax.Word) {
	for _, key := range []string{"table", "l3mdev", "action"} {
		if r.m.Find(key) != nil {
			r.leave(w, "", "%s is a second action, and a rule has only one", w.Text)
		}
	}
}

// ruleOf completes a rule.
func (r *lineReader) ruleOf(s *syntax.Statement) *tree.Node {
	m := r.m
	action, priority := m.Find("action"), m.Find("priority")
	switch target := m.Find("goto"); {
	case m.Find("table") == nil && m.Find("l3mdev") == nil && action == nil:
		r.report.Ignore(s.At(), "add table or an action such as blackhole", "the rule is left out: it has neither a table nor an action")
		return nil
	case action != nil && m.Find("suppress_prefixlength") != nil:
		r.report.Ignore(action.Position, "leave suppress_prefixlength out", "the rule is left out: suppress_prefixlength needs a table, and this rule has an action instead")
		return nil
	case target != nil && priority == nil:
		r.report.Ignore(s.At(), "add priority and a number", "the rule is left out: goto needs a rule with a priority")
		return nil
	case target != nil && !behind(target.Value.Text, priority.Value.Text):
		r.report.Ignore(target.Position, "write a greater number", "the rule is left out: the target of goto, %s, must be greater than the rule's priority, %s", target.Value.Text, priority.Value.Text)
		return nil
	}
	family := r.ruleFamily()
	if family != r.i.family && m.Find("from") == nil && m.Find("to") == nil && m.Find("family") == nil && r.i.family == 6 {
		m.text("family", s.At(), "ipv4")
	}
	if priority == nil {
		number := firstRule - r.rules[family]
		r.rules[family]++
		m.text("priority", s.At(), strconv.Itoa(number))
		r.report.Ignore(s.At(), "add priority and a number", "the rule has no priority: ripcord uses %d, as keepalived does", number)
	}
	return m.Node
}

// behind reports whether a rule comes after another one, by their priorities.
func behind(target, priority string) bool {
	a, err := strconv.ParseUint(target, 10, 32)
	b, err2 := strconv.ParseUint(priority, 10, 32)
	return err == nil && err2 == nil && a > b
}

// ruleFamily returns the family of the rule, 4 or 6. Without one in the rule, keepalived takes 4,
// and ripcord that of the instance.
func (r *lineReader) ruleFamily() int {
	for _, key := range []string{"from", "to", "family"} {
		if e := r.m.Find(key); e != nil && (strings.Contains(e.Value.Text, ":") || e.Value.Text == "ipv6") {
			return 6
		}
	}
	return 4
}
