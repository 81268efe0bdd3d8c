package yaml

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/tree"
)

// mapping converts the entries of a map. It reports a key that comes twice and keeps its first
// value. Written keys replace the keys that << merges in.
func (b *builder) mapping(out *tree.Node, values []*ast.MappingValueNode, path string) {
	out.Kind = tree.Map
	var merged []*tree.Node
	lines := make(map[string]int, len(values)) // lines of the keys so far
	for _, v := range values {
		name, t, ok := keyName(v.Key)
		here := b.placeOf(problem.Join(path, name), t)
		switch {
		case !ok:
			b.report.Fail(b.placeOf(path, t), "a key must be plain text")
			continue
		case v.Key.IsMergeKey():
			merged = append(merged, b.sources(v.Value, b.placeOf(path, t))...)
			continue
		}
		if first, twice := lines[name]; twice {
			b.report.Advise(here, "keep one of the two", "given twice, first on line %d", first)
			b.node(v.Value, here.Path) // report its own problems, and keep its anchors
			continue
		}
		lines[name] = here.Line
		out.Entries = append(out.Entries, tree.Entry{Key: name, Position: here.Position, Value: b.node(v.Value, here.Path)})
	}
	for _, m := range merged {
		if b.merged += len(m.Entries); b.merged > maxSize {
			break // measured reports it
		}
		for _, e := range m.Entries {
			if _, twice := lines[e.Key]; !twice {
				lines[e.Key] = e.Line
				out.Entries = append(out.Entries, e)
			}
		}
	}
	if len(values) > 0 { // the parser gives the position of the first colon
		_, t, _ := keyName(values[0].Key)
		out.Position = b.placeOf(path, t).Position
	}
}

// sources returns the maps that << names: a single one, or a list, whose first map with a key gives
// that key's value.
func (b *builder) sources(value ast.Node, here problem.Place) []*tree.Node {
	n := b.node(value, here.Path)
	candidates := []*tree.Node{n}
	if n.Kind == tree.List {
		candidates = n.Items
	}
	var maps []*tree.Node
	for _, c := range candidates {
		switch c.Kind {
		case tree.Map:
			maps = append(maps, c)
		case tree.Broken:
		default:
			b.report.Fail(here, "<< needs a map of keys, not %s", c.Kind)
		}
	}
	return maps
}

// keyName returns the text of a key and its token, or false if the key is not a plain scalar.
func keyName(k ast.MapKeyNode) (string, *token.Token, bool) {
	switch k := k.(type) {
	case *ast.MappingKeyNode: // "? key"
		if inner, ok := k.Value.(ast.MapKeyNode); ok {
			return keyName(inner)
		}
		return "", k.GetToken(), false
	case *ast.StringNode:
		return k.Value, k.Token, true
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", k.GetToken(), false
	}
	return k.GetToken().Value, k.GetToken(), true
}
