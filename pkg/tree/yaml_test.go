package tree

import "testing"

// remarked is a text with comments.
func remarked(s string, comments ...string) *Node {
	n := text(s)
	n.Comments = comments
	return n
}

func list(items ...*Node) *Node { return &Node{Kind: List, Items: items} }

func keys(entries ...Entry) *Node { return &Node{Kind: Map, Entries: entries} }

func entry(key string, value *Node) Entry { return Entry{Key: key, Value: value} }

// TestYAML: each node on its line, and its comments before that; those of the first entry of
// an item behind it, since the dash stands on its line.
func TestYAML(t *testing.T) {
	commented := keys(entry("name", remarked("a", "of the name")), entry("vrid", remarked("1", "of the VRID", "and more")))
	commented.Comments = []string{"of the instance"}
	for _, c := range []struct {
		node *Node
		want string
	}{
		{keys(entry("a", text("1")), entry("b", remarked("x y", "why"))), "a: 1\n# why\nb: \"x y\"\n"},
		{keys(entry("a", list(text("1"), text("2")))), "a: [1, 2]\n"},
		{keys(entry("a", list(text("1"), remarked("2", "why")))), "a:\n  - 1\n  # why\n  - 2\n"},
		{keys(entry("a", list())), "a: []\n"},
		{keys(entry("a", keys())), "a: {}\n"},
		{keys(entry("a", &Node{})), "a: null\n"},
		{keys(entry("a", keys(entry("b", keys(entry("c", text("1"))))))), "a:\n  b:\n    c: 1\n"},
		{keys(entry("instances", list(commented, keys(entry("name", text("b")))))),
			"instances:\n  # of the instance\n  - name: a\n    # of the name\n    # of the VRID\n    # and more\n    vrid: 1\n  - name: b\n"},
		{keys(entry("a", list(list(text("1"), keys(entry("b", text("2")))), text("3")))), "a:\n  - - 1\n    - b: 2\n  - 3\n"},
		{keys(entry("#", text("# no comment"))), "\"#\": \"# no comment\"\n"},
	} {
		if got := c.node.YAML(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestClone: what is changed in a copy is not changed in the node.
func TestClone(t *testing.T) {
	n := keys(entry("a", list(remarked("1", "why"))))
	before := n.YAML()
	own := n.Clone()
	own.Entries[0].Key = "b"
	own.Entries[0].Value.Items[0].Text = "2"
	own.Entries[0].Value.Items[0].Comments[0] = "changed"
	own.Entries[0].Value.Items = append(own.Entries[0].Value.Items, text("3"))
	if got := n.YAML(); got != before {
		t.Errorf("%q, was %q", got, before)
	}
}
