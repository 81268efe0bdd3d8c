// Package tree holds a configuration as values with their places, whatever language it
// was written in: YAML or keepalived's own. pkg/config decides what the values mean.
package tree

import (
	"cmp"
	"slices"
)

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Scalar
	List
	Map
	Broken // was reported already
)

// String says what stands there, for "needs a number, not ...".
func (k Kind) String() string {
	return [...]string{"nothing", "text", "a list", "a map of keys", "something broken"}[k]
}

// A Position is where something stands: in which of the files of the configuration, by its
// number, and at which line and column of it, from 1. Columns are characters.
type Position struct{ File, Line, Column int }

// Compare orders positions: by file, in the order in which they are read.
func (p Position) Compare(q Position) int {
	return cmp.Or(p.File-q.File, p.Line-q.Line, p.Column-q.Column)
}

// A Node is a value of the configuration. Scalars are text: what 010 or yes means is for
// the reader of the key to say.
type Node struct {
	Kind Kind
	Position
	Text    string // of a scalar, without its quotes
	Quoted  bool
	Items   []*Node // of a list
	Entries []Entry // of a map; no key comes twice
	Index   int     // in the list of its file
	Size    int     // what it takes to read it, with what is repeated
	Name    string  // what problems call it; empty: its path
	// Comments are lines that YAML has before it.
	Comments []string
}

// Clone returns a copy that shares nothing with the node.
func (n *Node) Clone() *Node {
	own := *n
	own.Comments = slices.Clone(n.Comments)
	own.Items = make([]*Node, len(n.Items))
	for i, item := range n.Items {
		own.Items[i] = item.Clone()
	}
	own.Entries = slices.Clone(n.Entries)
	for i := range own.Entries {
		own.Entries[i].Value = own.Entries[i].Value.Clone()
	}
	return &own
}

// Entry is one key of a map.
type Entry struct {
	Key string
	Position
	Value *Node
}

// Find returns the entry of a key, or nil.
func (n *Node) Find(key string) *Entry {
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return &n.Entries[i]
		}
	}
	return nil
}
