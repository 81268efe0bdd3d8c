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
	kind kind
	position
	text    string // of a scalar, without its quotes
	quoted  bool
	items   []*node // of a list
	entries []entry // of a mapping; no key comes twice
	index   int     // in the list of its file
	size    int     // what it takes to read it, with what aliases repeat
}

// entry is one key of a mapping.
type entry struct {
	key string
	position
	value *node
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

// tree parses the text of one of the loader's files. It returns nil if that failed, or
// there is nothing in it.
func (l *loader) tree(file int, text []byte) (root *node) {
	b := builder{loader: l, file: file, anchors: map[string]*node{}}
	if at := invalid(text); at != nil {
		at.file = file
		l.fail(place{position: *at}, "the file is not text in UTF-8")
		return nil
	}
	// A file that crashes the parser must not crash a daemon that reloads.
	defer func() {
		if r := recover(); r != nil {
			l.fail(b.placeOf("", nil), "the YAML parser cannot cope with this file: %v", r)
			root = nil
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), bom))
	if t, why := excess(tokens); t != nil {
		l.fail(b.placeOf("", t), "%s", why)
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
			l.fail(place{position: second.position}, "a second YAML document; a configuration is one")
		default:
			root = b.node(doc.Body, "")
		}
	}
	return b.measured(root)
}

// measured returns a tree unless it and those of the other files are too large
// together.
func (b *builder) measured(root *node) *node {
	if root != nil {
		b.size += root.size
	}
	switch here := b.placeOf("", nil); {
	case b.merged <= mostSize && b.size <= mostSize:
		return root
	case root != nil && root.size < b.size:
		b.advise(here, "leave out what is not needed", "this file and those before it have more than %d values", mostSize)
	default:
		b.advise(here, "write out what is repeated, or leave it out", "its aliases make more than %d values of this file", mostSize)
	}
	return nil
}

// syntax reports the one error at which the parser stopped.
func (b *builder) syntax(err error) {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &located) {
		b.fail(b.placeOf("", nil), "not YAML: %v", err)
		return
	}
	hint, message := "", located.GetMessage()
	if strings.Contains(message, "'\t'") {
		hint, message = "indent with spaces", "a tab stands where YAML allows none"
	}
	b.advise(b.placeOf("", located.GetToken()), hint, "not YAML: %s", message)
}

// invalid is the place of the first byte that is not UTF-8, or nil.
func invalid(text []byte) *position {
	at := &position{line: 1, column: 1}
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

// placeOf is where a token stands; nil: at the beginning of the file.
func (b *builder) placeOf(path string, t *token.Token) place {
	at := position{file: b.file}
	if t != nil && t.Position != nil {
		at.line, at.column = t.Position.Line, t.Position.Column
	}
	return place{path: path, position: at}
}

// A builder turns the parser's tree into ours. An anchor can be used only after
// it is complete, so no node contains itself.
type builder struct {
	*loader
	file    int
	anchors map[string]*node
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
	here := b.placeOf(path, n.GetToken())
	out := &node{kind: scalar, position: here.position}
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
			item := b.node(v, fmt.Sprintf("%s[%d]", path, i))
			item.index = i
			out.items = append(out.items, item)
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
		out.position = here.position
		return &out
	}
	b.fail(here, "no anchor &%s stands before *%s", name, name)
	return &node{kind: broken, position: here.position}
}
