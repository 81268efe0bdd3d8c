package yaml

import (
	"fmt"
	"strings"
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// sketch returns a tree as text.
func sketch(n *tree.Node) string {
	if n == nil {
		return "none"
	}
	var b strings.Builder
	switch n.Kind {
	case tree.List:
		for _, i := range n.Items {
			b.WriteString(sketch(i) + ",")
		}
	case tree.Map:
		for _, e := range n.Entries {
			fmt.Fprintf(&b, "%s:%s,", e.Key, sketch(e.Value))
		}
	default:
		fmt.Fprintf(&b, "%q %t", n.Text, n.Quoted)
	}
	return fmt.Sprintf("%d(%s)", n.Kind, b.String())
}

// parsed parses a text as a file of its own.
func parsed(text string) *tree.Node {
	return NewParser(problem.Of("x", []byte(text))).Parse(0, []byte(text))
}

// TestListsInBraces compares lists in a map in braces, which the parser reads right only with glue,
// with the same lists elsewhere.
func TestListsInBraces(t *testing.T) {
	for _, text := range []string{
		"[fe80::1/64]", "[2001:db8::1/64, ::1/128]", "[ fe80::1/64 , x ]", "[::]", "[a:b:c]", "[1:2]",
		"[a: b]", "[a: fe80::1]", `["a": b]`, "[{a: b}]", "[{a: fe80::1/64}]", "[[a:b], c]", "[]",
		"[a, b]", "[a:b\n ]", "[\n  fe80::1/64,\n  fe80::2/64 ]", "[abc:/x]",
	} {
		plain := parsed("a: " + text)
		braces := parsed("{a: " + text + "}")
		if p, b := sketch(plain), sketch(braces); p != b {
			t.Errorf("%s: %s, in braces %s", text, p, b)
		}
	}
}

func TestScalarsStayText(t *testing.T) {
	for text, want := range map[string]string{
		"010": "010", "1_000": "1_000", "0x1F": "0x1F", "1e3": "1e3", "True": "True", "yes": "yes", ".inf": ".inf",
		"-0": "-0", "1.50": "1.50", "2001-01-01": "2001-01-01", `"a\tb"`: "a\tb", "'a''b'": "a'b", "|\n  a\n  b\n": "a\nb\n",
	} {
		root := parsed("a: " + text)
		if root == nil || len(root.Entries) != 1 || root.Entries[0].Value.Text != want {
			t.Errorf("%s reads as %s, want %q", text, sketch(root), want)
		}
	}
}
