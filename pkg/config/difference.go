package config

import (
	"cmp"
	"reflect"
	"slices"

	"ripcord/pkg/addr"
	"ripcord/pkg/link"
	"ripcord/pkg/vrrp"
)

// Difference is the difference between two configurations: the names of instances, groups and
// checks, and of other settings. Values contains, for changed instances and groups, the names with
// the keys that changed, and new and old values of some.
type Difference struct{ Added, Changed, Removed, Values []string }

// Compare returns the difference between two configurations. An instance that is another virtual
// router now is both removed and added: it starts over.
func Compare(before, next *Config) (d Difference) {
	was, is := describe(before), describe(next)
	anew, renamed := startAnew(before, next), renamedGroups(before, next, was, is)
	kept := make(map[string]bool) // previous names of groups
	for _, n := range is.names {
		name := cmp.Or(renamed[n], n)
		kept[name] = true
		switch old, known := was.parts[name]; {
		case !known:
			d.Added = append(d.Added, n)
		case anew[n]:
			d.Removed, d.Added = append(d.Removed, n), append(d.Added, n)
		case !reflect.DeepEqual(old, is.parts[n]):
			d.Changed = append(d.Changed, n)
			if text := changedValues(old, is.parts[n]); text != "" {
				d.Values = append(d.Values, n+": "+text)
			}
		}
	}
	for _, n := range was.names {
		if !kept[n] {
			d.Removed = append(d.Removed, n)
		}
	}
	return d
}

// startAnew returns the names of the instances that are another virtual router in the next
// configuration.
func startAnew(before, next *Config) map[string]bool {
	was, anew := make(map[string]*vrrp.Instance), make(map[string]bool)
	for _, in := range before.Instances() {
		was[in.Name] = in
	}
	for _, in := range next.Instances() {
		if old := was[in.Name]; old != nil && !old.Same(in) {
			anew[in.Name] = true
		}
	}
	return anew
}

// renamedGroups returns the previous names of the groups that continue another one under a new
// name (vrrp.Succeed).
func renamedGroups(before, next *Config, was, is described) map[string]string {
	renamed := make(map[string]string)
	succession := vrrp.Succeed(before.Groups, next.Groups)
	for i, g := range next.Groups {
		at := succession.From(i)
		if at < 0 || g.Name == "" {
			continue
		}
		if old := before.Groups[at]; old.Name != "" && old.Name != g.Name {
			renamed[is.groups[g.Name]] = was.groups[old.Name]
		}
	}
	return renamed
}

// described is a configuration in the form for comparison, by the names of instances and groups.
type described struct {
	names  []string
	parts  map[string]any
	groups map[string]string // the names of the groups among the names
}

// instancePart is what a reload compares of an instance.
type instancePart struct {
	vrrp.Instance
	set    addr.Set
	link   link.Settings
	notify any
	fence  *vrrp.Fence
}

// groupPart is what a reload compares of a group, beside the instances themselves.
type groupPart struct {
	vrrp.Group // without Members
	members    []string
	notify     any
}

func describe(c *Config) described {
	d := described{parts: make(map[string]any), groups: make(map[string]string)}
	add := func(name string, part any) {
		d.names = append(d.names, name)
		d.parts[name] = part
	}
	sets := make(map[string]addr.Set)
	for _, s := range c.Sets {
		sets[s.Instance] = s
	}
	for _, g := range c.Groups {
		for _, in := range g.Members {
			add(in.Name, instancePart{in, sets[in.Name], c.Link(in.Interface), notifyOf(c, Subject{Name: in.Name}), fenceOf(g)})
		}
	}
	for _, k := range c.Checks {
		add("check "+k.Name, k)
	}
	add("log.level", c.Log.Level)
	add("static", c.Static)
	add("script_user", [2]string{c.ScriptUser, c.ScriptGroup})
	add("startup", c.Startup)
	add("shutdown", c.Shutdown)
	for _, g := range c.Groups {
		if g.Name == "" {
			continue
		}
		group := g
		group.Members = nil
		var members []string
		for _, in := range g.Members {
			members = append(members, in.Name)
		}
		d.groups[g.Name] = groupNamed(d, g)
		add(d.groups[g.Name], groupPart{group, members, notifyOf(c, Subject{Group: true, Name: g.Name})})
	}
	return d
}

// fenceOf returns the fence of an instance outside any group, for comparison by a reload.
func fenceOf(g vrrp.Group) *vrrp.Fence {
	if g.Name != "" {
		return nil // the fence belongs to the group
	}
	return g.Fence
}

// groupNamed returns the name of a group among the instances, of which one may have the same name.
func groupNamed(d described, g vrrp.Group) string {
	if slices.Contains(d.names, g.Name) {
		return "group " + g.Name
	}
	return g.Name
}

// notifyOf returns the notifications of an instance or a group, for comparison by a reload.
func notifyOf(c *Config, of Subject) any {
	own, all := c.Notify[of], c.NotifyAll
	if of.Group {
		all = Notify{}
	}
	if own.Empty() && all.Empty() {
		return nil
	}
	return []any{own, all, c.ScriptUser, c.ScriptGroup}
}
