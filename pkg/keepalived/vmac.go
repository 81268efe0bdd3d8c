package keepalived

import (
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/keepalived/syntax"
)

// vmac is the virtual MAC of an instance.
type vmac struct {
	used number
	base number      // adverts are sent from the MAC of the interface: vmac_xmit_base
	name syntax.Word // of its link; empty: ripcord's standard name
}

// readVMAC reads use_vmac [NAME] [MAC] [group GROUP] [netlink_notify_msg].
func readVMAC(t *translator, s *syntax.Statement, i *instance) {
	i.vmac.used = number{1, s.At(), true}
	for n := 1; n < len(s.Words); n++ {
		w := s.Words[n]
		switch {
		case w.Text == "netlink_notify_msg":
		case w.Text == "group":
			n++
			t.Differ(w.Position, "", "ripcord does not add the macvlan to an interface group")
		case w.Text == "name" && n+1 < len(s.Words):
		case strings.Contains(w.Text, ":"):
			t.Differ(w.Position, "leave the MAC address out, on all routers", "ripcord uses the virtual MAC of RFC 9568, and not %s", syntax.Show(w.Text))
		case i.vmac.name.Text != "":
			t.Ignore(w.Position, "", "the macvlan has a name already: %s is left out", syntax.Show(w.Text))
		case len(w.Text) > 15 || strings.ContainsAny(w.Text, "/ "):
			t.Ignore(w.Position, "", "%s cannot be the name of an interface: the macvlan gets its default name", syntax.Show(w.Text))
		case w.Text == "true" || w.Text == "false":
			t.Differ(w.Position, "leave it out", "the macvlan gets its default name; keepalived names it %s", w.Text)
		default:
			i.vmac.name = w
		}
	}
}

// readVMACPrefix reads the prefix of the links of virtual MACs. The first one counts.
func readVMACPrefix(t *translator, s *syntax.Statement, g *globals) {
	switch w := s.Words[1]; {
	case g.vmacPrefix.Text != "":
		t.Ignore(w.Position, "", "vmac_prefix is set already: this value has no effect")
	case !isLink(w.Text):
		t.Ignore(w.Position, "", "%s cannot be the start of an interface's name: ripcord uses vrrp", syntax.Show(w.Text))
	default:
		g.vmacPrefix = w
	}
}

// complete determines the virtual MAC of an instance, and the MAC from which its adverts are sent.
func (v *vmac) complete(r *syntax.Report, of *instance) {
	strict := of.strict.value == 1
	switch x := &v.base; {
	case x.said && !v.used.said:
		r.Ignore(x.at, "", "vmac_xmit_base has no effect without use_vmac")
	case x.said && strict:
		r.Ignore(x.at, "", "vmac_xmit_base has no effect in strict mode: adverts are sent from the virtual MAC")
		*x = number{}
	case !x.said && v.used.said && of.unicast != "" && !strict:
		r.Ignore(v.used.at, "write vmac_xmit_base", "with %s, adverts are sent from the MAC address of %s", of.unicast, syntax.Show(of.iface.Text))
		*x = number{1, v.used.at, true}
	}
}

// bears reports whether an address of an instance is held at its virtual MAC: an address of the
// instance's own family that names no other interface.
func (v *vmac) bears(a address, of *instance) bool {
	here := a.device.Text == "" || a.device.Text == of.iface.Text
	return v.used.said && here && familyOf(a.prefix.Addr()) == of.family
}

// vmacNames assigns names to the links of virtual MACs.
type vmacNames struct {
	prefix string
	taken  map[string]bool
	tried  map[vmacKey]int // number of names that need not be tried again
}

// vmacKey is what the candidates for a name depend on.
type vmacKey struct {
	vrid   string
	family int
}

// dropSharedVMACs removes the virtual MAC of all instances that share one but the first: keepalived
// does not run the others.
func (t *translator) dropSharedVMACs() {
	type virtual struct {
		iface string
		vmacKey
	}
	first := map[virtual]*instance{}
	for _, i := range t.instances {
		v := virtual{i.iface.Text, vmacKey{canonical(i.vrid.Text), i.family}}
		switch before := first[v]; {
		case !i.vmac.used.said:
		case before == nil:
			first[v] = i
		default:
			t.Subject = i.title()
			t.Differ(i.vmac.used.at, "leave use_vmac out, or give another virtual_router_id",
				"%s has the same virtual MAC: keepalived disables this instance, and ripcord runs it with the MAC address of %s", before.title(), syntax.Show(i.iface.Text))
			i.vmac = vmac{}
		}
	}
}

// nameVMACs gives the link of each virtual MAC the name that keepalived gives it: its own, or
// PREFIX.VRID, with a number after the prefix if another instance has that name.
func (t *translator) nameVMACs() {
	n := vmacNames{"vrrp", map[string]bool{}, map[vmacKey]int{}}
	if w := t.globals.vmacPrefix; w.Text != "" {
		n.prefix = w.Text
	}
	for _, i := range t.instances {
		t.Subject = i.title()
		switch w := i.vmac.name; {
		case w.Text == "":
		case n.taken[w.Text]:
			t.Ignore(w.Position, "choose another name", "another instance has a macvlan named %s: this one gets its default name", syntax.Show(w.Text))
			i.vmac.name = syntax.Word{}
		case !t.commands.elsewhere && t.commands.system.Occupied(w.Text):
			t.Ignore(w.Position, "choose a name that no interface has", "this machine has an interface %s that is not a private macvlan: the macvlan gets its default name", syntax.Show(w.Text))
			i.vmac.name = syntax.Word{}
		default:
			n.taken[w.Text] = true
		}
	}
	for _, i := range t.instances {
		if !i.vmac.used.said || i.vmac.name.Text != "" {
			continue
		}
		k := vmacKey{canonical(i.vrid.Text), i.family}
		if name := n.next(k); name != k.standardName() {
			i.vmac.name = syntax.Word{Text: name, Position: i.vmac.used.at}
		}
	}
}

// trackBelow replaces the tracked link of a virtual MAC by the interface below it. keepalived keeps
// that link up, so that it fails together with the interface. ripcord's is down while the instance
// is not Active, and an instance that tracked it would never become Active.
func (t *translator) trackBelow() {
	below := map[string]*instance{}
	for _, i := range t.instances {
		if i.vmac.used.said {
			below[i.vmac.link(i)] = i
		}
	}
	t.noteEarlyVMAC(below)
	for _, i := range t.instances {
		i.tracked = trackedBelow(i.tracked, below, i.iface.Text)
	}
	for _, g := range t.groups {
		g.tracked = trackedBelow(g.tracked, below, "")
	}
}

// noteEarlyVMAC notes, once, a statement that names the link of a virtual MAC that keepalived has
// yet to create. keepalived copes with that if dynamic_interfaces is set and the link has a name of
// its own, which stands before the statement.
func (t *translator) noteEarlyVMAC(below map[string]*instance) {
	early := func(w syntax.Word) bool {
		of := below[w.Text]
		if of == nil {
			return false
		}
		v := &of.vmac
		named := v.name.Text != "" && v.name.Position != v.used.at
		return t.globals.dynamic.value == 0 || !named || v.used.at.Compare(w.Position) > 0
	}
	what := "keepalived does not start, since it has not created this macvlan yet"
	if t.globals.dynamic.value == 1 {
		what = "keepalived waits for an interface of this name, gives the macvlan another name, and stays in FAULT"
	}
	note := func(title string, names []syntax.Word) bool {
		at := slices.IndexFunc(names, early)
		if at < 0 {
			return false
		}
		t.Subject = title
		t.Differ(names[at].Position, "", "%s; ripcord runs the instance", what)
		return true
	}
	for _, i := range t.instances {
		names := namesTracked(i.tracked)
		for _, d := range i.devices {
			names = append(names, d.name)
		}
		if note(i.title(), names) {
			return
		}
	}
	for _, g := range t.groups {
		if note(g.title(), namesTracked(g.tracked)) {
			return
		}
	}
}

// namesTracked returns the names of the tracked interfaces.
func namesTracked(all []tracked) (names []syntax.Word) {
	for _, one := range all {
		if one.kind == trackedInterface {
			names = append(names, one.name)
		}
	}
	return names
}

// trackedBelow returns the tracked things with each interface replaced by the one below it. It
// leaves out an interface that is tracked already or is the instance's own.
func trackedBelow(all []tracked, below map[string]*instance, own string) (kept []tracked) {
	for _, one := range all {
		of := below[one.name.Text]
		if one.kind != trackedInterface || of == nil {
			kept = append(kept, one)
			continue
		}
		on := of.iface.Text
		same := func(other tracked) bool { return other.kind == trackedInterface && other.name.Text == on }
		if on != own && !slices.ContainsFunc(all, same) && !slices.ContainsFunc(kept, same) {
			one.name.Text = on
			kept = append(kept, one)
		}
	}
	return kept
}

// link returns the name of the link of an instance's virtual MAC.
func (v *vmac) link(of *instance) string {
	if v.name.Text != "" {
		return v.name.Text
	}
	return vmacKey{canonical(of.vrid.Text), of.family}.standardName()
}

// next returns the first free name for a VRID, and takes it.
func (n vmacNames) next(k vmacKey) string {
	for ; ; n.tried[k]++ {
		const longest = 15
		end := infix(n.tried[k], k.family) + "." + k.vrid
		name := n.prefix[:min(len(n.prefix), max(longest-len(end), 0))] + end
		if !n.taken[name] {
			n.taken[name] = true
			return name
		}
	}
}

// infix returns what stands between the prefix and the VRID in the name that is tried after so many
// others: nothing, 1, 2 and so on. Over IPv6 the 6 comes before the 1.
func infix(tried, family int) string {
	switch {
	case tried == 0:
		return ""
	case family == 6 && tried == 1:
		return "6"
	case family == 6 && tried <= 6:
		return strconv.Itoa(tried - 1)
	}
	return strconv.Itoa(tried)
}

// standardName returns ripcord's standard name of the link of a virtual MAC.
func (k vmacKey) standardName() string {
	if k.family == 6 {
		return "vrrp6." + k.vrid
	}
	return "vrrp." + k.vrid
}
