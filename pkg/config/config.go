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
	"fmt"
	"io/fs"
	"strings"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
)

// Path is where the configuration is unless one says otherwise.
const Path = "/etc/ripcord/ripcord.yaml"

// Config is a configuration without a problem.
type Config struct {
	File    string
	Log     Log
	Control Control
	// Groups hold every instance exactly once: first the groups in the order of
	// the file, then, each in a group of one without a name, the other instances.
	Groups []vrrp.Group
	// Sets are what the instances hold, one for each in the order of the file.
	Sets []addr.Set
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
	// ScriptUser is the user that commands run as unless they say another.
	ScriptUser string
	// Warnings are what is allowed but hardly meant, by position.
	Warnings []Problem
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

// Load reads and parses the file, which is to be run on the machine here; nil if it is
// only checked, and may be another machine's. The error is Problems if the file could be read. No file larger than
// MaxSize is.
func Load(path string, here Machine) (*Config, error) {
	if strings.HasSuffix(path, "keepalived.conf") {
		return nil, fmt.Errorf("read %s: keepalived's own language is not supported yet; write the configuration as YAML, in %s", path, Path)
	}
	text, info, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		info = nil // a pipe, which is in no directory
	}
	l := newLoader(path, text)
	l.here = here
	return l.parse(text, info)
}

// Parse turns the text of a file into a configuration; name is what problems
// call the file, which cannot include others. The error is Problems, sorted by position.
func Parse(name string, text []byte) (*Config, error) {
	if len(text) > MaxSize {
		l := newLoader(name, nil)
		l.advise(place{}, "split it between routers, or leave out what is not needed", "the file is larger than %d bytes, the most that is read", MaxSize)
		return nil, l.listed(&l.problems)
	}
	return newLoader(name, text).parse(text, nil)
}

// parse makes the configuration of the loader's first file and of those that it
// includes. Of a text that is not on disk, file is nil.
func (l *loader) parse(text []byte, file fs.FileInfo) (*Config, error) {
	root := l.tree(0, text)
	if l.problems.count() > 0 && root == nil {
		return nil, l.listed(&l.problems)
	}
	root, complete := l.include(root, file)
	doc := newDocument()
	doc.read(l, place{node: root, Position: tree.Position{Line: 1, Column: 1}}, complete)
	if complete && doc.affordable(l) {
		doc.check(l)
	}
	if l.problems.count() > 0 {
		return nil, l.listed(&l.problems)
	}
	return doc.build(l), nil
}
