// Package yaml parses YAML into a tree, without the oddities of YAML, and reports what is wrong
// with it. The time and memory it takes grow with the size of a file alone, whatever it contains
// (limits.go).
package yaml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// A Parser parses the files of one configuration, to which the limits apply together.
type Parser struct {
	report *problem.Report
	merged int // entries that << has merged in, including those that other keys replaced
	size   int // size of the trees of all files
}

// NewParser returns a parser that reports problems to report.
func NewParser(report *problem.Report) *Parser { return &Parser{report: report} }

// Parse parses the text of the file with that number in the report. It returns nil if that failed
// or the file is empty.
func (p *Parser) Parse(file int, text []byte) (root *tree.Node) {
	b := builder{Parser: p, file: file, anchors: map[string]*tree.Node{}}
	if at := invalid(text); at != nil {
		at.File = file
		p.report.Fail(problem.Place{Position: *at}, "the file is not UTF-8 text")
		return nil
	}
	// A file that makes the parser panic must not end a daemon that reloads.
	defer func() {
		if r := recover(); r != nil {
			p.report.Fail(b.placeOf("", nil), "the YAML parser failed on this file: %v", r)
			root = nil
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), problem.BOM))
	if t, why := excess(tokens); t != nil {
		p.report.Fail(b.placeOf("", t), "%s", why)
		return nil
	}
	parsed, err := parser.Parse(glue(tokens), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		b.syntax(err)
		return nil
	}
	for _, doc := range parsed.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.DirectiveType:
		case root != nil:
			second := b.node(doc.Body, "")
			p.report.Fail(problem.Place{Position: second.Position}, "a second YAML document begins here; a configuration is one document")
		default:
			root = b.node(doc.Body, "")
		}
	}
	return b.measured(root)
}

// measured returns a tree, or nil if it is too large together with those of the other files.
func (b *builder) measured(root *tree.Node) *tree.Node {
	if root != nil {
		b.size += root.Size
	}
	switch here := b.placeOf("", nil); {
	case b.merged <= maxSize && b.size <= maxSize:
		return root
	case root != nil && root.Size < b.size:
		b.report.Advise(here, "leave out what is not needed", "this file and those before it have more than %d values", maxSize)
	default:
		b.report.Advise(here, "write out what is repeated, or leave it out", "its aliases make more than %d values of this file", maxSize)
	}
	return nil
}

// syntax reports the error at which the parser stopped.
func (b *builder) syntax(err error) {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &located) {
		b.report.Fail(b.placeOf("", nil), "not YAML: %v", err)
		return
	}
	hint, message := "", located.GetMessage()
	if strings.Contains(message, "'\t'") {
		hint, message = "indent with spaces", "a tab is not allowed here"
	}
	b.report.Advise(b.placeOf("", located.GetToken()), hint, "not YAML: %s", message)
}

// invalid returns the position of the first byte that is not UTF-8, or nil.
func invalid(text []byte) *tree.Position {
	at := &tree.Position{Line: 1, Column: 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
		text = text[size:]
	}
	return nil
}

// placeOf returns the position of a token, or the beginning of the file for nil.
func (b *builder) placeOf(path string, t *token.Token) problem.Place {
	at := tree.Position{File: b.file}
	if t != nil && t.Position != nil {
		at.Line, at.Column = t.Position.Line, t.Position.Column
	}
	return problem.Place{Path: path, Position: at}
}

// A builder converts the parser's tree. An anchor can be used only after it is complete, so no node
// contains itself.
type builder struct {
	*Parser
	file    int
	anchors map[string]*tree.Node
}

// node converts one value.
func (b *builder) node(n ast.Node, path string) *tree.Node {
	out := b.convert(n, path)
	if out.Size == 0 { // an alias repeats a node that has been measured
		measure(out)
	}
	return out
}

// measure computes the size of a node whose parts have been measured.
func measure(n *tree.Node) {
	const each = 32 // bytes of text that count as one more value
	n.Size = 1 + len(n.Text)/each
	for _, i := range n.Items {
		n.Size = min(n.Size+i.Size, maxSize+1)
	}
	for _, e := range n.Entries {
		n.Size = min(n.Size+e.Value.Size, maxSize+1)
	}
}

func (b *builder) convert(n ast.Node, path string) *tree.Node {
	here := b.placeOf(path, n.GetToken())
	out := &tree.Node{Kind: tree.Scalar, Position: here.Position}
	switch n := n.(type) {
	case *ast.NullNode:
		out.Kind = tree.Null
	case *ast.StringNode:
		out.Text, out.Quoted = n.Value, n.Token.Type != token.StringType
	case *ast.LiteralNode:
		out.Text, out.Quoted = n.Value.Value, true
	case *ast.MappingNode:
		b.mapping(out, n.Values, path)
	case *ast.MappingValueNode:
		b.mapping(out, []*ast.MappingValueNode{n}, path)
	case *ast.SequenceNode:
		out.Kind = tree.List
		for i, v := range n.Values {
			item := b.node(v, fmt.Sprintf("%s[%d]", path, i))
			item.Index = i
			out.Items = append(out.Items, item)
		}
	case *ast.AnchorNode:
		out = b.node(n.Value, path)
		b.anchors[n.Name.GetToken().Value] = out
	case *ast.AliasNode:
		return b.alias(n, here)
	case *ast.TagNode:
		b.report.Fail(here, "%s is a YAML tag, which has no meaning here", problem.Show(n.Start.Value))
		out.Kind = tree.Broken
	default: // numbers, booleans, .inf, .nan, a stray <<
		out.Text = n.GetToken().Value
	}
	return out
}

// alias returns the node of an anchor, at the place of the alias.
func (b *builder) alias(n *ast.AliasNode, here problem.Place) *tree.Node {
	name := n.Value.GetToken().Value
	if named, ok := b.anchors[name]; ok {
		out := *named
		out.Position = here.Position
		return &out
	}
	b.report.Fail(here, "there is no anchor &%s before *%s", name, name)
	return &tree.Node{Kind: tree.Broken, Position: here.Position}
}
