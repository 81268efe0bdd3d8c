package keepalived

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// YAML writes a translation as a person would write it in ripcord's own language. Settings that all
// instances share stand under defaults, ripcord's own checks replace commands that do the same, and
// each note is a comment at its place.
func (t Translation) YAML() string {
	c := converter{Translation: t, root: t.Root.Clone()}
	c.builtIn()
	head := c.comments()
	c.plain()
	c.defaults()
	var b strings.Builder
	for _, line := range append(folded("Made from "+t.Files[0].Name+" by ripcord convert."), head...) {
		b.WriteString("# " + line + "\n")
	}
	return b.String() + "\n" + c.root.YAML()
}

// A converter changes a copy of the tree.
type converter struct {
	Translation
	root *tree.Node
}

// items returns the entries of a list of the configuration.
func (c *converter) items(key string) []*tree.Node {
	if e := c.root.Find(key); e != nil {
		return e.Value.Items
	}
	return nil
}

// shareable are the keys that many instances may have in common.
var shareable = []string{
	"version", "priority", "interval", "miss", "preempt", "preempt_delay", "startup_delay", "checksum", "auth", "accept",
	"announce", "track_link", "track", "notify",
}

// defaults moves settings that all instances share to defaults.
func (c *converter) defaults() {
	instances := c.items("instances")
	if len(instances) < 2 {
		return
	}
	shared := &tree.Node{Kind: tree.Map}
	for _, key := range shareable {
		if slices.ContainsFunc(instances, func(i *tree.Node) bool { return !agrees(i, instances[0].Find(key), key) }) {
			continue
		}
		first := *instances[0].Find(key)
		for _, i := range instances[1:] {
			first.Value.Comments = append(first.Value.Comments, i.Find(key).Value.Comments...)
		}
		shared.Entries = append(shared.Entries, first)
		for _, i := range instances {
			i.Entries = slices.DeleteFunc(i.Entries, func(e tree.Entry) bool { return e.Key == key })
		}
	}
	if len(shared.Entries) > 0 {
		at := slices.IndexFunc(c.root.Entries, func(e tree.Entry) bool { return e.Key == "instances" })
		c.root.Entries = slices.Insert(c.root.Entries, at, tree.Entry{Key: "defaults", Value: shared})
	}
}

// agrees reports whether a map has a key with the value of an entry, which may be nil.
func agrees(m *tree.Node, as *tree.Entry, key string) bool {
	e := m.Find(key)
	return e != nil && as != nil && e.Value.YAML() == as.Value.YAML()
}

// comments attaches each note to its part of the tree: what stands on its line, or the instance,
// group or check that contains the line. It returns the other notes.
func (c *converter) comments() (head []string) {
	notes := slices.Clone(c.Notes)
	slices.SortStableFunc(notes, func(a, b syntax.Note) int { return a.Compare(b.Position) })
	for _, n := range notes {
		lines := c.comment(n)
		if at := c.anchor(n.Position); at != nil {
			at.Comments = append(at.Comments, lines...)
		} else {
			head = append(head, lines...)
		}
	}
	return head
}

// anchor returns the part of the tree to which a place of the file belongs, or nil for the whole.
func (c *converter) anchor(at tree.Position) (found *tree.Node) {
	for _, key := range []string{"instances", "groups", "checks"} {
		for _, block := range c.items(key) {
			if block.Compare(at) <= 0 && (found == nil || block.Compare(found.Position) >= 0) {
				found = block
			}
		}
	}
	if found == nil || c.behind(found, at) {
		return nil
	}
	for i := range found.Entries {
		if e := found.Entries[i].Value; e.File == at.File && e.Line == at.Line && at.Line != found.Line {
			return e
		}
	}
	return found
}

// behind reports whether a place is after the end of the block from which a node was made.
func (c *converter) behind(block *tree.Node, at tree.Position) bool {
	for _, s := range c.statements {
		if s.At() == block.Position && s.Close != nil {
			return at.Compare(*s.Close) > 0
		}
	}
	return block.File != at.File
}

// comment returns a note as comment lines.
func (c *converter) comment(n syntax.Note) []string {
	text := n.Message
	if n.Hint != "" {
		text += "; " + n.Hint
	}
	switch n.Class {
	case syntax.Differs:
		text = "differs: " + text
	case syntax.NotDone:
		text = "not done: " + text
	default:
	}
	return folded(fmt.Sprintf("%s %s", c.place(n.Position), text))
}

// place returns a place as comments name it.
func (c *converter) place(at tree.Position) string {
	if at.File == 0 {
		return fmt.Sprintf("line %d:", at.Line)
	}
	return fmt.Sprintf("%s, line %d:", filepath.Base(c.Files[at.File].Name), at.Line)
}

// folded breaks a text into lines, without characters that a comment cannot contain.
func folded(text string) (lines []string) {
	const width = 100
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	return append(lines, line)
}
