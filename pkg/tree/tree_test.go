package tree

import "testing"

func text(s string) *Node { return &Node{Kind: Scalar, Text: s} }

// What is written reads as what it was, whatever YAML makes of some words.
func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "192.0.2.1/24": "192.0.2.1/24", "-0": "-0", "": `""`, "a b": `"a b"`, "null": `"null"`, "~": `"~"`, "yes": `"yes"`, "-": `"-"`,
		"a:": `"a:"`, "fe80::1": "fe80::1", "a: b": `"a: b"`, "#x": `"#x"`, "*x": `"*x"`, "[x": `"[x"`, "it's": `"it's"`, "\n": `"\n"`, "---": `"---"`, "ü": `"ü"`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("%q is written as %s, want %s", in, got, want)
		}
	}
}

func TestPositions(t *testing.T) {
	in := Position{File: 1, Line: 5, Column: 9}
	for _, later := range []Position{{2, 1, 1}, {1, 6, 1}, {1, 5, 10}} {
		if in.Compare(later) >= 0 || later.Compare(in) <= 0 {
			t.Errorf("%v is not before %v", in, later)
		}
	}
}

func TestFind(t *testing.T) {
	m := Node{Kind: Map, Entries: []Entry{{Key: "a", Value: text("1")}, {Key: "b", Value: text("2")}}}
	if e := m.Find("b"); e == nil || e.Value.Text != "2" || m.Find("c") != nil {
		t.Errorf("%+v", e)
	}
}
