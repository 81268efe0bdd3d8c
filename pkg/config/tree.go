package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a node is.
type kind uint8

const (
	null kind = iota
	scalar
	list
	mapping
	broken // was reported already
)

// String says what stands there, for "needs a number, not ...".
func (k kind) String() string {
	return [...]string{"nothing", "text", "a list", "a map of keys", "something broken"}[k]
}

// A node is a value of the file: YAML without anchors, aliases, merge keys,
// tags and comments. Scalars are text: what 010 or yes means is for the reader
// of the key to say, not for YAML.
type node struct {
	kind         kind
	line, column int
	text         string // of a scalar, without its quotes
	quoted       bool
	items        []*node // of a list
	entries      []entry // of a mapping; no key comes twice
	size         int     // what it takes to read it, with what aliases repeat
}

// entry is one key of a mapping.
type entry struct {
	key          string
	line, column int
	value        *node
}

// find returns the entry of a key, or nil.
func (n *node) find(key string) *entry {
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

const bom = "\uFEFF"

// tree parses the text. It returns nil if that failed, or there is nothing in it.
func (l *loader) tree(text []byte) (root *node) {
	if at := invalid(text); at != nil {
		l.fail(*at, "the file is not text in UTF-8")
		return nil
	}
	// A file that crashes the parser must not crash a daemon that reloads.
	defer func() {
		if r := recover(); r != nil {
			l.fail(place{}, "the YAML parser cannot cope with this file: %v", r)
			root = nil
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), bom))
	if t, why := excess(tokens); t != nil {
		l.fail(placeOf("", t), "%s", why)
		return nil
	}
	file, err := parser.Parse(glue(tokens), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.syntax(err)
		return nil
	}
	b := builder{loader: l, anchors: map[string]*node{}}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.DirectiveType:
		case root != nil:
			second := b.node(doc.Body, "")
			l.fail(place{line: second.line, column: second.column}, "a second YAML document; a configuration is one")
		default:
			root = b.node(doc.Body, "")
		}
	}
	if b.merged > mostSize || root != nil && root.size > mostSize {
		l.advise(place{}, "write out what is repeated, or leave it out", "its aliases make more than %d values of this file", mostSize)
		return nil
	}
	return root
}

// syntax reports the one error at which the parser stopped.
func (l *loader) syntax(err error) {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &located) {
		l.fail(place{}, "not YAML: %v", err)
		return
	}
	hint, message := "", located.GetMessage()
	if strings.Contains(message, "'\t'") {
		hint, message = "indent with spaces", "a tab stands where YAML allows none"
	}
	l.advise(placeOf("", located.GetToken()), hint, "not YAML: %s", message)
}

// invalid is the place of the first byte that is not UTF-8, or nil.
func invalid(text []byte) *place {
	at := &place{line: 1, column: 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at.column++
		if r == '\n' {
			at.line, at.column = at.line+1, 1
		}
		text = text[size:]
	}
	return nil
}

// placeOf is where a token stands.
func placeOf(path string, t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{path: path}
	}
	return place{path: path, line: t.Position.Line, column: t.Position.Column}
}

// A builder turns the parser's tree into ours. An anchor can be used only after
// it is complete, so no node contains itself.
type builder struct {
	*loader
	anchors map[string]*node
	merged  int // entries that << has merged in, those too that yielded to others
}

// node converts one value.
func (b *builder) node(n ast.Node, path string) *node {
	out := b.convert(n, path)
	if out.size == 0 { // what an alias repeats has been measured
		out.measure()
	}
	return out
}

// measure finds the size of a node whose parts have been measured.
func (n *node) measure() {
	const each = 32 // bytes of text that count as another value
	n.size = 1 + len(n.text)/each
	for _, i := range n.items {
		n.size = min(n.size+i.size, mostSize+1)
	}
	for _, e := range n.entries {
		n.size = min(n.size+e.value.size, mostSize+1)
	}
}

func (b *builder) convert(n ast.Node, path string) *node {
	here := placeOf(path, n.GetToken())
	out := &node{kind: scalar, line: here.line, column: here.column}
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = null
	case *ast.StringNode:
		out.text, out.quoted = n.Value, n.Token.Type != token.StringType
	case *ast.LiteralNode:
		out.text, out.quoted = n.Value.Value, true
	case *ast.MappingNode:
		b.mapping(out, n.Values, path)
	case *ast.MappingValueNode:
		b.mapping(out, []*ast.MappingValueNode{n}, path)
	case *ast.SequenceNode:
		out.kind = list
		for i, v := range n.Values {
			out.items = append(out.items, b.node(v, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.AnchorNode:
		out = b.node(n.Value, path)
		b.anchors[n.Name.GetToken().Value] = out
	case *ast.AliasNode:
		return b.alias(n, here)
	case *ast.TagNode:
		b.fail(here, "%s is a YAML tag, which has no meaning here", show(n.Start.Value))
		out.kind = broken
	default: // numbers, booleans, .inf, .nan, a stray <<
		out.text = n.GetToken().Value
	}
	return out
}

// alias is the node that an anchor named, standing where the alias does.
func (b *builder) alias(n *ast.AliasNode, here place) *node {
	name := n.Value.GetToken().Value
	if named, ok := b.anchors[name]; ok {
		out := *named
		out.line, out.column = here.line, here.column
		return &out
	}
	b.fail(here, "no anchor &%s stands before *%s", name, name)
	return &node{kind: broken, line: here.line, column: here.column}
}
