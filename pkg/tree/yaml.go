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
		for i, e := range n.Entries {
			e.Value.remark(b, pad)
			n.entry(b, i, indent)
		}
	case n.Kind == List && len(n.Items) > 0:
		for _, item := range n.Items {
			item.remark(b, pad)
			b.WriteString(pad + "-")
			item.behindDash(b, indent)
		}
	default:
		b.WriteString(pad + n.flow() + "\n")
	}
}

// remark appends the comments of a node.
func (n *Node) remark(b *strings.Builder, pad string) {
	for _, line := range n.Comments {
		b.WriteString(pad + "# " + line + "\n")
	}
}

// entry appends an entry of a map without its comments.
func (n *Node) entry(b *strings.Builder, i, indent int) {
	b.WriteString(strings.Repeat("  ", indent) + Quote(n.Entries[i].Key) + ":")
	value := n.Entries[i].Value
	if value.short() {
		b.WriteString(" " + value.flow() + "\n")
		return
	}
	b.WriteString("\n")
	value.write(b, indent+1)
}

// behindDash appends a node behind the dash of a list. The comments of its first entry stand
// behind that.
func (n *Node) behindDash(b *strings.Builder, indent int) {
	if n.short() {
		b.WriteString(" " + n.flow() + "\n")
		return
	}
	var inner strings.Builder
	own := *n
	if n.Kind == Map {
		n.entry(&inner, 0, indent+1)
		n.Entries[0].Value.remark(&inner, strings.Repeat("  ", indent+1))
		own.Entries = n.Entries[1:]
	}
	if n.Kind == List || len(own.Entries) > 0 {
		own.write(&inner, indent+1)
	}
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
			if length += len(item.Text) + 2; item.Kind == List || item.Kind == Map || len(item.Comments) > 0 || length > most {
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
