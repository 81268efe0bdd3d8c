// Package config interprets a configuration file: it turns text into the types that vrrp, addr and
// link declare, or into all of its problems at once.
//
// A file passes through four steps. The tree is the simplified YAML (yaml), including that of the
// included files (files); the tables (keys.go, in the form of schema) define the keys, their
// defaults and their values; the checks (check.go, groups.go) require that the parts agree; the
// result is built (document.go). A report (problem) collects the problems. Load and Parse share
// nothing between calls and may be called from any goroutine; a Config belongs to its caller.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/files"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/yaml"
	"ripcord/pkg/event"
	"ripcord/pkg/keepalived"
	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/link"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
)

// Path is the usual path of the configuration.
const Path = "/etc/ripcord/ripcord.yaml"

// Config is a configuration without a problem.
type Config struct {
	File    string
	Format  Format // of the file
	Log     Log
	Control Control
	// Groups hold every instance exactly once: first the groups in the order of
	// the file, then, each in a group of one without a name, the other instances.
	Groups []vrrp.Group
	// Sets are what the instances hold, one for each in the order of the file.
	Sets []addr.Set
	// Static is held as long as the daemon runs; nil: nothing is.
	Static *addr.Set
	// Links are the settings of the links that the file names; DefaultLink are
	// those of all others.
	Links       map[string]link.Settings
	DefaultLink link.Settings
	// Checks are in the order of the file.
	Checks []Check
	// Notify contains the subjects that have commands; NotifyAll is for every instance in addition.
	Notify    map[Subject]Notify
	NotifyAll Notify
	// FIFO is the path of the FIFO for the transitions; empty: none.
	FIFO string
	// FIFOReader is the program that reads it.
	FIFOReader Command
	// FIFOUser is the owner of the FIFO, and FIFOGroup the group that may read it; empty: those of
	// its reader, or the group of that user.
	FIFOUser, FIFOGroup string
	// Startup and Shutdown run when the daemon starts and ends; nil: there is none.
	Startup, Shutdown *Program
	// ScriptUser is the user of commands without one of their own, and ScriptGroup their group;
	// empty: the group of the user.
	ScriptUser, ScriptGroup string
	// Warnings are about settings that are allowed but probably mistakes, by position.
	Warnings []problem.Problem
}

// Instances returns the instances of all groups, the only copy of each, which must not be changed.
func (c *Config) Instances() (all []*vrrp.Instance) {
	for g := range c.Groups {
		for i := range c.Groups[g].Members {
			all = append(all, &c.Groups[g].Members[i])
		}
	}
	return all
}

// Held returns everything that the address worker holds: Sets, which are Tolerant for a
// keepalived.conf, and Static if there is one. The result must not be changed.
func (c *Config) Held() []addr.Set {
	if c.Format != Keepalived && c.Static == nil {
		return c.Sets
	}
	all := slices.Clone(c.Sets)
	for n := range all {
		all[n].Tolerant = c.Format == Keepalived
	}
	if c.Static != nil {
		all = append(all, *c.Static)
	}
	return all
}

// Program is a program that runs once.
type Program struct {
	Argv        []string
	Timeout     time.Duration
	User, Group string // its account; empty: ScriptUser, and the user's group
}

// Log is the log section.
type Log struct{ Level event.Level }

// Control is the control section.
type Control struct {
	Socket string
	Listen string // an IP address with a port, or ":" and a port; empty: none
}

// Link returns the settings of the link with that name.
func (c *Config) Link(name string) link.Settings {
	if s, ok := c.Links[name]; ok {
		return s
	}
	return c.DefaultLink
}

// Options say how to read a file.
type Options struct {
	// Here is the machine on which the configuration is to run; nil if it is only checked, and may
	// belong to another machine.
	Here   Machine
	Format Format
	// ID selects the lines with @id in keepalived.conf.
	ID string
	// Elsewhere is set if the file belongs to another machine: programs and users that are missing
	// here are not missing there.
	Elsewhere bool
	// WithoutLVS is set if another program does the load balancing of keepalived.conf.
	WithoutLVS bool
	// Flag is the flag that names another file, as --config; empty: there is none.
	Flag string
}

// loader makes a configuration from its files.
type loader struct {
	report *problem.Report
	parser *yaml.Parser
	here   Machine
	format Format
}

func newLoader(report *problem.Report, here Machine, format Format) *loader {
	report.Tolerant = format == Keepalived
	return &loader{report: report, parser: yaml.NewParser(report), here: here, format: format}
}

// Load reads and parses a file. The error is a Refusal if the file could be read. Files larger than
// files.MaxSize are not read.
func Load(path string, o Options) (*Config, error) {
	text, info, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && o.Flag != "" {
		err = fmt.Errorf("%w; write one there, or name another file with %s%s", err, o.Flag, instead(path, keepalivedPath))
	}
	if err != nil {
		return nil, err
	}
	format, err := o.Format.of(path, text)
	if err != nil {
		return nil, err
	}
	if format == Keepalived {
		l := newLoader(&problem.Report{}, o.Here, Keepalived)
		return l.translated(keepalived.Translate(path, text, keepalived.Options{ID: o.ID, WithoutLVS: o.WithoutLVS, Elsewhere: o.Elsewhere, System: system{}}))
	}
	if !info.Mode().IsRegular() {
		info = nil // a pipe, which is in no directory
	}
	return newLoader(problem.Of(path, text), o.Here, ByName).parse(text, info)
}

// Parse turns the text of a file into a configuration; problems call the file name. It cannot
// include others. The error is a Refusal, sorted by position.
func Parse(name string, text []byte) (*Config, error) {
	if len(text) > files.MaxSize {
		r := problem.Of(name, nil)
		r.Advise(problem.Place{}, "split it between routers, or remove what is not needed", "the file is larger than %d bytes, the maximum", files.MaxSize)
		return nil, &Refusal{Problems: r.Problems()}
	}
	return newLoader(problem.Of(name, text), nil, ByName).parse(text, nil)
}

// parse makes the configuration of the loader's first file and of those that it includes. For a
// text that is not on disk, file is nil.
func (l *loader) parse(text []byte, file fs.FileInfo) (*Config, error) {
	root := l.parser.Parse(0, text)
	if l.report.Count() > 0 && root == nil {
		return nil, l.refusal()
	}
	keys := map[string]schema.Type{}
	for _, k := range documentKeys {
		keys[k.Name] = k.Value.What.Type
	}
	return l.configuration(files.NewIncluder(l.report, l.parser, keys).Include(root, file))
}

// translated makes the configuration of a file in keepalived's language. Problems are reported at
// their places in that file.
func (l *loader) translated(t keepalived.Translation) (*Config, error) {
	for _, f := range t.Files {
		l.report.Add(f.Name, f.Text)
	}
	for _, n := range t.Notes {
		l.take(n)
	}
	if t.Root == nil {
		if t.Sound != nil && t.Sound.Find("instances") != nil {
			l.check(t.Sound, true) // finds the other problems
		}
		return nil, l.refusal()
	}
	return l.configuration(t.Root, true)
}

// take adds a note of a translation.
func (l *loader) take(n syntax.Note) {
	at := problem.Place{Path: n.Subject, Position: n.Position}
	switch n.Class {
	case syntax.Error:
		l.report.Advise(at, n.Hint, "%s", n.Message)
	case syntax.Differs:
		l.report.Classify(at, problem.Differs, n.Hint, "%s", n.Message)
	case syntax.NotDone:
		l.report.Classify(at, problem.NotDone, n.Hint, "%s", n.Message)
	default:
		l.report.Warn(at, n.Hint, "%s", n.Message)
	}
}

// configuration makes the configuration of a tree, which may lack files that could not be read.
func (l *loader) configuration(root *tree.Node, complete bool) (*Config, error) {
	doc := l.check(root, complete)
	if l.report.Count() > 0 {
		return nil, l.refusal()
	}
	c := doc.build()
	c.File, c.Format, c.Warnings = l.report.Name(0), l.format, l.report.Warnings()
	return c, nil
}

// check reads a tree and records its problems.
func (l *loader) check(root *tree.Node, complete bool) *document {
	doc := newDocument()
	doc.read(l.report, problem.Place{Node: root, Position: tree.Position{Line: 1, Column: 1}}, complete)
	if complete && doc.affordable(l.report) {
		doc.check(l.report, l.here)
	}
	return doc
}

// Refusal is the error of a file that cannot be used: all of its problems, and its warnings.
type Refusal struct {
	Problems problem.Problems
	Warnings problem.Problems
	Format   Format
}

// Error returns all problems.
func (r *Refusal) Error() string { return r.Problems.Error() }

// Unwrap returns the problems as an error.
func (r *Refusal) Unwrap() error { return r.Problems }

// refusal returns the error for the loader's problems.
func (l *loader) refusal() error {
	return &Refusal{Problems: l.report.Problems(), Warnings: l.report.Warnings(), Format: l.format}
}
