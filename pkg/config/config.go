// Package config decides what a configuration file means: it turns text into
// the types that vrrp, addr and link declare, or into every problem it has at
// once.
//
// A file passes through four steps. The tree (tree.go) is the YAML without its
// oddities, with those of the files that it includes (include.go); the tables (keys.go) say which keys there are, their defaults and
// their values; the checks (check.go, groups.go) see that the parts agree; the
// result is built (document.go). Load and Parse share nothing between calls and
// may be called from any goroutine; a Config belongs to its caller.
package config

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/keepalived"
	"ripcord/pkg/link"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
)

// Path is where the configuration is unless one says otherwise.
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
	// Static is what is held as long as the daemon runs; nil: nothing is.
	Static *addr.Set
	// Links are the settings of the links that the file names; DefaultLink are
	// those of all others.
	Links       map[string]link.Settings
	DefaultLink link.Settings
	// Checks are in the order of the file.
	Checks []Check
	// Notify is of those that have commands; NotifyAll is for every instance beside.
	Notify    map[Subject]Notify
	NotifyAll Notify
	// FIFO is the path of the FIFO for the transitions; empty: none.
	FIFO string
	// FIFOReader is the program that reads it, with its arguments; empty: none.
	FIFOReader []string
	// Startup and Shutdown are run when the daemon starts and ends; nil: none is.
	Startup, Shutdown *Program
	// ScriptUser is the user that commands run as unless they say another, and ScriptGroup
	// the group; empty: that of the user.
	ScriptUser, ScriptGroup string
	// Warnings are what is allowed but hardly meant, by position.
	Warnings []Problem
}

// Held returns all that the address worker holds: Sets, which are Tolerant as keepalived is in
// its language, and Static if there is any.
func (c *Config) Held() []addr.Set {
	all := slices.Clone(c.Sets)
	for n := range all {
		all[n].Tolerant = c.Format == Keepalived
	}
	if c.Static != nil {
		all = append(all, *c.Static)
	}
	return all
}

// Program is a program that is run once.
type Program struct {
	Argv    []string
	Timeout time.Duration
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

// Options are how a file is read.
type Options struct {
	// Here is the machine on which the configuration is to be run; nil if it is only
	// checked, and may be another machine's.
	Here   Machine
	Format Format
	// ID is what lines with @id are for in keepalived.conf.
	ID string
	// WithoutLVS says that another program does the load balancing of keepalived.conf.
	WithoutLVS bool
}

// Format is the language of a file.
type Format string

// The languages of files.
const (
	ByName     Format = "" // keepalived's where the path ends in keepalived.conf
	YAML       Format = "yaml"
	Keepalived Format = "keepalived"
)

// of returns the language of a file.
func (f Format) of(path string) Format {
	switch {
	case f != ByName:
		return f
	case strings.HasSuffix(path, "keepalived.conf"):
		return Keepalived
	}
	return YAML
}

// Load reads and parses a file. The error is Problems if the file could be read. No file
// larger than MaxSize is.
func Load(path string, o Options) (*Config, error) {
	text, info, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if o.Format.of(path) == Keepalived {
		l := &loader{here: o.Here, format: Keepalived}
		return l.keepalived(path, text, keepalived.Options{ID: o.ID, WithoutLVS: o.WithoutLVS, System: system{}})
	}
	if !info.Mode().IsRegular() {
		info = nil // a pipe, which is in no directory
	}
	l := newLoader(path, text)
	l.here = o.Here
	return l.parse(text, info)
}

// Parse turns the text of a file into a configuration; name is what problems
// call the file, which cannot include others. The error is Problems, sorted by position.
func Parse(name string, text []byte) (*Config, error) {
	if len(text) > MaxSize {
		l := newLoader(name, nil)
		l.advise(place{}, "split it between routers, or leave out what is not needed", "the file is larger than %d bytes, the most that is read", MaxSize)
		return nil, l.refusal()
	}
	return newLoader(name, text).parse(text, nil)
}

// parse makes the configuration of the loader's first file and of those that it
// includes. Of a text that is not on disk, file is nil.
func (l *loader) parse(text []byte, file fs.FileInfo) (*Config, error) {
	root := l.tree(0, text)
	if l.problems.count() > 0 && root == nil {
		return nil, l.refusal()
	}
	return l.configuration(l.include(root, file))
}

// configuration makes the configuration of a tree, which may lack files that could not be
// read.
func (l *loader) configuration(root *tree.Node, complete bool) (*Config, error) {
	doc := l.check(root, complete)
	if l.problems.count() > 0 {
		return nil, l.refusal()
	}
	return doc.build(l), nil
}

// check reads a tree and notes what is wrong with it.
func (l *loader) check(root *tree.Node, complete bool) *document {
	doc := newDocument()
	doc.read(l, place{node: root, Position: tree.Position{Line: 1, Column: 1}}, complete)
	if complete && doc.affordable(l) {
		doc.check(l)
	}
	return doc
}
