package tree

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// YAML writes a tree as YAML that reads as the same tree.
func (n *Node) YAML() string {
	var b strings.Builder
	n.write(&b, 0)
	return b.String()
}

// write appends a node, whose lines begin at an indentation.
func (n *Node) write(b *strings.Builder, indent int) {
	pad := strings.Repeat("  ", indent)
	switch {
	case n.Kind == Map && len(n.Entries) > 0:
		for _, e := range n.Entries {
			b.WriteString(pad + Quote(e.Key) + ":")
			e.Value.after(b, indent)
		}
	case n.Kind == List && len(n.Items) > 0:
		for _, item := range n.Items {
			b.WriteString(pad + "-")
			item.entry(b, indent)
		}
	default:
		b.WriteString(pad + n.flow() + "\n")
	}
}

// after appends a node behind a key.
func (n *Node) after(b *strings.Builder, indent int) {
	if n.short() {
		b.WriteString(" " + n.flow() + "\n")
		return
	}
	b.WriteString("\n")
	n.write(b, indent+1)
}

// entry appends a node behind the dash of a list.
func (n *Node) entry(b *strings.Builder, indent int) {
	if n.short() {
		b.WriteString(" " + n.flow() + "\n")
		return
	}
	var inner strings.Builder
	n.write(&inner, indent+1)
	b.WriteString(" " + strings.TrimLeft(inner.String(), " "))
}

// short reports whether a node fits on one line: text, or a list of texts.
func (n *Node) short() bool {
	const most = 100
	switch n.Kind {
	case Map:
		return len(n.Entries) == 0
	case List:
		length := 0
		for _, item := range n.Items {
			if length += len(item.Text) + 2; item.Kind == List || item.Kind == Map || length > most {
				return false
			}
		}
	default:
	}
	return true
}

// flow is a node on one line.
func (n *Node) flow() string {
	switch n.Kind {
	case Map:
		return "{}"
	case List:
		texts := make([]string, len(n.Items))
		for i, item := range n.Items {
			texts[i] = item.flow()
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case Scalar:
		switch {
		case n.Quoted:
			return strconv.Quote(n.Text)
		case n.Text == "true" || n.Text == "false": // as those who write YAML do; the loader takes both
			return n.Text
		}
		return Quote(n.Text)
	default:
		return "null"
	}
}

// simple is text that YAML takes for itself, in brackets too.
var simple = regexp.MustCompile(`^[A-Za-z0-9_./+-][A-Za-z0-9_./+:@%=-]*$`)

// Quote writes a text as a scalar of YAML.
func Quote(text string) string {
	reserved := slices.Contains([]string{"null", "~", "true", "false", "yes", "no", "on", "off", "-"}, strings.ToLower(text))
	if simple.MatchString(text) && !strings.HasSuffix(text, ":") && !strings.HasPrefix(text, "---") && !reserved {
		return text
	}
	return strconv.Quote(text)
}
