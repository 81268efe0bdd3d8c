package keepalived

import (
	"net/netip"
	"slices"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// A System answers the questions about this machine on which the meaning of a configuration
// depends.
type System interface {
	syntax.System
	// Program returns the path of a program that is named without one.
	Program(name string) (path string, found bool)
	// Runs reports whether the program at a path can be run.
	Runs(path string) bool
	// Permitted returns an error if the user may not run the program at a path.
	Permitted(path, user, group string) error
	// Secure returns an error that names who could replace a program, other than root and the user
	// that runs it.
	Secure(path, user, group string) error
	// ThroughLink returns the first symbolic link among the directories of a program's path, or an
	// empty string if there is none.
	ThroughLink(path string) string
	// Occupied reports whether a link of that name exists that is not a private macvlan.
	Occupied(link string) bool
	// User reports whether a user exists, and a group if its name is not empty.
	User(name, group string) bool
	// LinkOf returns the name of the interface that has an address, unless it is a loopback.
	LinkOf(a netip.Addr) (name string, found bool)
	// InNamespace reports whether this process is in the network namespace of that name.
	InNamespace(name string) bool
	// Table returns the number of a routing table.
	Table(name string) (number uint32, known bool)
	// Protocol returns the number of a protocol, by its name or its digits.
	Protocol(name string) (number uint8, known bool)
}

// Options are settings from outside the file.
type Options struct {
	ID         string // selects the lines with @id: --id, by default the name of the machine
	WithoutLVS bool   // another program does the load balancing
	Elsewhere  bool   // the file is for another machine, which may have programs and users that this one lacks
	System     System
}

// A Translation is a configuration in ripcord's keys.
type Translation struct {
	Root  *tree.Node // nil: there are errors among the notes
	Sound *tree.Node // in that case the parts without errors, so that they can be checked; nil: nothing
	Files []syntax.File
	Notes []syntax.Note

	statements []*syntax.Statement
}

// Translate translates a configuration, given the name and text of its first file.
func Translate(name string, text []byte, o Options) Translation {
	r := &syntax.Report{}
	statements, files := syntax.Parse(name, text, syntax.Options{ID: o.ID, Unread: rootKeywords.namesOf(skipped), Lists: lists(), System: o.System}, r)
	t := newTranslator(r, o)
	var root, sound *tree.Node
	if r.Errors() == 0 { // otherwise the statements are not the intended ones
		t.take(statements, o.WithoutLVS)
		root = t.tree()
	}
	t.omitted.note(r)
	if r.Errors() > 0 {
		root, sound = nil, root
	}
	return Translation{Root: root, Sound: sound, Files: files, Notes: r.Notes(), statements: statements}
}

// A translator collects the meaning of the statements, and makes a tree of it at the end, because
// many defaults depend on statements elsewhere. The reading functions of the keyword tables get it,
// and pass what they read to the part that it belongs to.
type translator struct {
	*syntax.Report
	vocabulary vocabulary
	omitted    omissions
	differing  map[string]bool // the differences of keywords that have been noted: each is noted once
	commands   commandReader
	routes     routes
	globals    globals
	instances  []*instance
	groups     []*group
	groupNames map[string]bool
	// trackGroups are the track_groups of static entries, by name.
	trackGroups map[string]*trackGroup
	checks      *checks
	links       links
	balancing   balancing
	static      *instance // has only addresses, routes and rules
}

func newTranslator(r *syntax.Report, o Options) *translator {
	return &translator{
		Report:     r,
		vocabulary: blocks(),
		omitted:    omissions{byTopic: map[string]int{}},
		differing:  map[string]bool{},
		commands:   commandReader{report: r, system: o.System, elsewhere: o.Elsewhere},
		routes:     routes{report: r, system: o.System, rules: map[int]int{}},
		globals:    globals{garpGroups: map[string]*garpGroup{}, multicast: map[int]multicastGroup{}},
		groupNames: map[string]bool{}, trackGroups: map[string]*trackGroup{},
		checks: newChecks(r),
		links:  links{byName: map[string]*linkSettings{}},
	}
}

// take reads the statements and, once all of them are known, fills in keepalived's defaults.
func (t *translator) take(statements []*syntax.Statement, withoutLVS bool) {
	t.checks.expect(statements)
	t.commands.expect(statements)
	rootKeywords.read(t, "", statements, t)
	t.commands.noteOrphans()
	t.balancing.refuse(t.Report, &t.omitted, withoutLVS)
	byName := map[string]*instance{} // the first instance of each name
	t.completeStatic()
	for _, i := range t.instances {
		i.findInterface(t)
		i.complete(t.Report, &t.globals)
		t.routes.read(i)
		i.trackDevices(t.Report)
		if byName[i.name.Text] == nil {
			byName[i.name.Text] = i
		}
	}
	t.dropSharedVMACs()
	t.nameVMACs()
	t.checkTrackGroups(byName)
	t.trackStatic(byName)
	t.trackBelow()
	t.globals.noteAnswers(t.Report, t.instances)
	for _, g := range t.groups {
		g.gather(t.Report, byName)
	}
	t.leaveOutIdle()
	t.groups = slices.DeleteFunc(t.groups, func(g *group) bool { return len(g.members) == 0 })
	for _, g := range t.groups {
		g.level(t.Report)
	}
	for _, i := range t.instances {
		i.weigh(t.Report, t.checks)
		i.noteStart(t.Report)
	}
	fifo := t.globals.fifo.path.Text != "" || t.globals.vrrpFIFO.path.Text != ""
	for _, g := range t.groups {
		g.noteWeights(t.Report)
		g.noteStart(t.Report)
		g.noteFirstFault(t.Report, fifo)
	}
	noteCommon(t.Report, &t.globals, t.instances)
	if len(t.instances) == 0 && t.Errors() == 0 {
		hint := ""
		if len(t.balancing) > 0 {
			hint = "run keepalived for its load balancing"
		}
		t.Fail(tree.Position{Line: 1, Column: 1}, hint, "the file has no vrrp_instance")
	}
}

// leaveOutIdle removes the instances that keepalived would keep in FAULT for good, with the other
// members of their groups, because a group with an instance in FAULT does not serve.
func (t *translator) leaveOutIdle() {
	isIdle := func(i *instance) bool { return i.idle }
	for _, g := range t.groups {
		first := slices.IndexFunc(g.members, isIdle)
		if first < 0 {
			continue
		}
		for _, m := range g.members {
			if !m.idle {
				t.Subject = m.title()
				t.Differ(m.aside(), "", "keepalived keeps %s in FAULT, and therefore %s: ripcord leaves out all members of the group", g.members[first].title(), g.title())
				m.idle = true
			}
		}
		g.members = nil
	}
	if len(t.instances) > 0 && !slices.ContainsFunc(t.instances, func(i *instance) bool { return !i.idle }) {
		t.Subject = ""
		t.Fail(t.instances[0].at, "", "no vrrp_instance can run: keepalived keeps all of them in FAULT")
	}
	t.instances = slices.DeleteFunc(t.instances, isIdle)
}

// tree returns the whole configuration in ripcord's keys, without instances that have errors.
func (t *translator) tree() *tree.Node {
	root := newMap(tree.Position{Line: 1, Column: 1}, "")
	t.globals.tree(t.Report, root, &t.commands)
	var instances, groups []*tree.Node
	for _, i := range t.instances {
		if n := i.tree(t.Report, &t.globals, t.checks); !i.bad {
			instances = append(instances, n)
		}
		t.checks.use(i.tracked)
	}
	for _, g := range t.groups {
		if n := g.tree(t.Report, t.checks); n.Find("members") != nil {
			groups = append(groups, n)
		}
		t.checks.use(g.tracked)
	}
	checks := t.checks.trees()
	t.Subject = ""
	root.nested("links", t.links.tree(root.Position))
	t.staticTree(root)
	root.list("instances", instances)
	root.list("groups", groups)
	root.list("checks", checks)
	return root.Node
}
