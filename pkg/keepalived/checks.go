package keepalived

import (
	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// checks holds the scripts, files and processes of the part of the file that has been read. An
// instance can track only those that stand before it.
type checks struct {
	report    *syntax.Report
	scripts   map[string]*script
	files     map[string]*trackFile
	processes map[string]*process
	order     []checkSource   // all of them, in the order of the file
	later     map[string]bool // names of scripts that are still to come
	gone      map[string]bool // names of scripts that were left out, with a note
	disabled  map[string]bool // those of them that still occupy the name
}

// A checkSource is a script, a file or a process.
type checkSource interface {
	// check returns the entry of checks, or nil if nothing tracks it.
	check(cs *checks) *tree.Node
}

func newChecks(r *syntax.Report) *checks {
	return &checks{
		report: r, scripts: map[string]*script{}, files: map[string]*trackFile{}, processes: map[string]*process{},
		later: map[string]bool{}, gone: map[string]bool{}, disabled: map[string]bool{},
	}
}

// expect collects the scripts of the whole file before the first one is read.
func (cs *checks) expect(statements []*syntax.Statement) {
	for _, s := range statements {
		if s.Keyword() == "vrrp_script" {
			cs.later[s.Word(1)] = true
		}
	}
}

// addScript adds a script, unless there is a reason to leave it out. As under keepalived, a script
// that cannot be run still occupies its name.
func (cs *checks) addScript(c *script) {
	name := c.name.Text
	delete(cs.later, name)
	switch {
	case cs.scripts[name] != nil, cs.disabled[name]:
		cs.report.Ignore(c.at, "give it another name", "another script above has the same name: this one is left out")
	case c.absent, c.removed:
		cs.gone[name] = true
		cs.disabled[name] = c.command.said && !c.removed
	case !c.command.said:
		cs.gone[name] = true
		cs.report.Ignore(c.at, "", "it has no script, and is left out")
	default:
		cs.scripts[name] = c
		cs.order = append(cs.order, c)
	}
}

// addFile adds a file, unless its name is taken.
func (cs *checks) addFile(f *trackFile) {
	switch {
	case f.path.Text == "":
		cs.report.Ignore(f.at, "", "it names no file, and is left out")
	case cs.files[f.name.Text] == nil:
		cs.files[f.name.Text] = f
		cs.order = append(cs.order, f)
	}
}

// addProcess adds a process, unless its name is taken.
func (cs *checks) addProcess(p *process) {
	switch {
	case p.path.Text == "":
		cs.report.Ignore(p.at, "", "it names no process, and is left out")
	case cs.processes[p.name.Text] == nil:
		cs.processes[p.name.Text] = p
		cs.order = append(cs.order, p)
	}
}

// use marks what an instance or a group tracks.
func (cs *checks) use(list []tracked) {
	for _, one := range list {
		switch one.kind {
		case trackedScript:
			c := cs.scripts[one.name.Text]
			c.used, c.weighted = true, c.weighted || one.weight != 0
		case trackedProcess:
			cs.processes[one.name.Text].used = true
		default:
		}
	}
}

// drop marks a script or a file as one that an entry tracked. The entry was left out, with a note,
// which also explains why the check does not run.
func (cs *checks) drop(kind trackedKind, name string) {
	switch kind {
	case trackedScript:
		cs.scripts[name].dropped = true
	case trackedFile:
		cs.files[name].dropped = true
	default:
	}
}

// trees returns the entries of checks for everything that is tracked.
func (cs *checks) trees() (all []*tree.Node) {
	for _, source := range cs.order {
		if n := source.check(cs); n != nil {
			all = append(all, n)
		}
		if f, ok := source.(*trackFile); ok {
			for n := 1; n < len(f.weights); n++ {
				all = append(all, f.variant(cs, n))
			}
		}
	}
	return all
}
