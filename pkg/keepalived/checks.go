package keepalived

import (
	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// checks are the scripts, files and processes of a file, as far as it has been read: what
// tracks one has to stand behind it.
type checks struct {
	report    *syntax.Report
	scripts   map[string]*script
	files     map[string]*trackFile
	processes map[string]*process
	order     []checkSource   // all of them in the order of the file
	later     map[string]bool // names of scripts that come yet
	gone      map[string]bool // names of scripts that are left out, which was noted
	disabled  map[string]bool // those of them that keep another script from having the name
}

// A checkSource is a script, a file or a process.
type checkSource interface {
	// check returns the entry of checks; nil: nobody tracks it.
	check(cs *checks) *tree.Node
}

func newChecks(r *syntax.Report) *checks {
	return &checks{
		report: r, scripts: map[string]*script{}, files: map[string]*trackFile{}, processes: map[string]*process{},
		later: map[string]bool{}, gone: map[string]bool{}, disabled: map[string]bool{},
	}
}

// expect learns of the scripts of the whole file, before the first of them is read.
func (cs *checks) expect(statements []*syntax.Statement) {
	for _, s := range statements {
		if s.Keyword() == "vrrp_script" {
			cs.later[s.Word(1)] = true
		}
	}
}

// addScript adds a script, unless there is a reason to leave it out. As for keepalived, one that
// cannot be run keeps its name.
func (cs *checks) addScript(c *script) {
	name := c.name.Text
	delete(cs.later, name)
	switch {
	case cs.scripts[name] != nil, cs.disabled[name]:
		cs.report.Ignore(c.at, "give it another name", "there is one of that name already, which counts")
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

// addFile adds a file, unless there is one of its name.
func (cs *checks) addFile(f *trackFile) {
	switch {
	case f.path.Text == "":
		cs.report.Ignore(f.at, "", "it names no file, and is left out")
	case cs.files[f.name.Text] == nil:
		cs.files[f.name.Text] = f
		cs.order = append(cs.order, f)
	}
}

// addProcess adds a process, unless there is one of its name.
func (cs *checks) addProcess(p *process) {
	switch {
	case p.path.Text == "":
		cs.report.Ignore(p.at, "", "it names no process, and is left out")
	case cs.processes[p.name.Text] == nil:
		cs.processes[p.name.Text] = p
		cs.order = append(cs.order, p)
	}
}

// use notes what an instance or a group tracks.
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

// trees are the entries of checks that are tracked.
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
