// Package tree represents a configuration, in YAML or in keepalived's language, as a tree of values
// with their positions. pkg/config decides what the values mean.
package tree

import (
	"cmp"
	"slices"
)

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Scalar
	List
	Map
	Broken // a mistake that is already reported
)

// String returns the words for a sentence such as "needs a number, not ...".
func (k Kind) String() string {
	return [...]string{"nothing", "text", "a list", "a map of keys", "something broken"}[k]
}

// A Position is a position in the configuration: the number of its file, and the line and the column
// there, both from 1. Columns are characters.
type Position struct{ File, Line, Column int }

// Compare orders positions: by file, in the order in which they are read.
func (p Position) Compare(q Position) int {
	return cmp.Or(p.File-q.File, p.Line-q.Line, p.Column-q.Column)
}

// A Node is a value of the configuration. Scalars are text: the reader of a key decides what 010 or yes
// means.
type Node struct {
	Kind Kind
	Position
	Text    string // of a scalar, without its quotes
	Quoted  bool
	Items   []*Node // of a list
	Entries []Entry // of a map; no key comes twice
	Index   int     // in the list of its file
	Size    int     // how many values it contains, counted as often as they are repeated
	Name    string  // its name in problems; empty: its path
	// Comments are the lines of comments before it.
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
