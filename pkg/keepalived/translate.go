package keepalived

import (
	"errors"

	"ripcord/pkg/tree"
)

// A System is the machine for which a configuration is read, as far as its meaning depends
// on it.
type System interface {
	// Glob returns the paths that a pattern matches, in the order of their names.
	Glob(pattern string) []string
	// Read returns the text of a file, of which it reads no more than some bytes. The error
	// is ErrSkipped for a directory and for a program.
	Read(path string, most int) ([]byte, error)
	// Getenv returns a variable of the environment; empty: there is none.
	Getenv(name string) string
	// Random returns a number between two, both included.
	Random(from, upto int) int
	// Program returns the path of a program that is named without one.
	Program(name string) (path string, found bool)
	// Runs reports whether a program can be run, by its path.
	Runs(path string) bool
	// User reports whether there is a user of that name, and a group, if it is not empty.
	User(name, group string) bool
	// Table returns the number of a routing table.
	Table(name string) (number uint32, known bool)
}

// ErrSkipped is the error of what keepalived does not include, though a pattern matches it.
var ErrSkipped = errors.New("a directory or a program is no configuration")

// Options are what the file does not say itself.
type Options struct {
	ID         string // what lines with @id are for: --id, by default the name of the machine
	WithoutLVS bool   // the load balancing is done by another program
	System     System
}

// A Translation is what a configuration says in ripcord's keys.
type Translation struct {
	Root  *tree.Node // nil: there are errors among the notes
	Files []File
	Notes []Note

	statements []*Statement
}

// Translate reads a configuration, whose first file has that name and text.
func Translate(name string, text []byte, o Options) Translation {
	t := &translator{
		Options: o, report: &report{}, blocks: blocks(), mentioned: map[string]int{}, later: map[string]bool{}, groupNames: map[string]bool{}, gone: map[string]bool{}, linkNames: map[string]*linkSettings{}, byName: map[string]*instance{}, rules: map[int]int{},
		scripts: map[string]*script{}, files: map[string]*trackFile{}, processes: map[string]*process{},
	}
	r := newReader(name, text, o, t.report)
	statements := r.parse()
	var root *tree.Node
	if t.report.errors == 0 {
		for _, s := range statements {
			t.later[s.word(1)] = t.later[s.word(1)] || s.keyword() == "vrrp_script"
		}
		t.globals = globalsAtFirst(tree.Position{Line: 1, Column: 1})
		rootKeywords.read(t, "", statements, t)
		t.finish()
		if t.report.errors == 0 {
			root = t.build()
		}
	}
	t.sayMentioned()
	if t.report.errors > 0 {
		root = nil
	}
	return Translation{Root: root, Files: r.files, Notes: t.report.notes, statements: statements}
}

// A translator collects what the statements say, and makes a tree of it at the end: many
// defaults follow from what stands elsewhere.
type translator struct {
	Options
	*report
	globals    globals
	instances  []*instance
	groups     []*group
	scripts    map[string]*script // by name, as far as the file has been read
	files      map[string]*trackFile
	processes  map[string]*process
	checks     []checkSource // scripts, files and processes in the order of the file
	links      []*linkSettings
	balanced   []*Statement   // what LVS does
	mentioned  map[string]int // the mention of a topic, by its index
	counts     []mention
	later      map[string]bool // the scripts of the whole file
	gone       map[string]bool // scripts that are left out, and noted
	groupNames map[string]bool
	linkNames  map[string]*linkSettings
	byName     map[string]*instance // the first of each name
	blocks     []keywordBlock
	rules      map[int]int // those without a priority, by their family
}

// mention is a topic that ripcord leaves out, where it stands first, and how often.
type mention struct {
	at    tree.Position
	what  string // the first keyword
	text  string
	count int
}

// leaveOut notes a keyword of something that ripcord does not do. All of a topic are one
// note.
func (t *translator) leaveOut(s *Statement, topic, text string) {
	if i, again := t.mentioned[topic]; again {
		t.counts[i].count++
		return
	}
	t.mentioned[topic] = len(t.counts)
	t.counts = append(t.counts, mention{s.at(), s.title(), text, 1})
}

// sayMentioned writes the notes of what is left out.
func (t *translator) sayMentioned() {
	t.subject = ""
	for _, m := range t.counts {
		switch m.count {
		case 1:
			t.without(m.at, "", "%s: %s", m.what, m.text)
		case 2:
			t.without(m.at, "", "%s, and 1 more line about it: %s", m.what, m.text)
		default:
			t.without(m.at, "", "%s, and %d more lines about it: %s", m.what, m.count-1, m.text)
		}
	}
}
