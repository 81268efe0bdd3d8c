package problem

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"ripcord/pkg/tree"
)

// A Place is the position of a value in a file and its path for messages. The position is that of
// the value's key, or of the value itself in a list.
type Place struct {
	Path string
	tree.Position
	Node *tree.Node // nil: the file has no value here
	Bad  bool       // the value was refused, so it cannot be checked further
}

// Key returns the place of a key in the map at p, even if the key is not there.
func (p Place) Key(name string) Place {
	return Place{Path: Join(p.Path, name), Position: p.Position}
}

// Item returns the place of an entry of the list at p.
func (p Place) Item(i int) Place {
	n := p.Node.Items[i]
	return Place{Path: fmt.Sprintf("%s[%d]", p.Path, n.Index), Position: n.Position, Node: n}.named()
}

// Entry returns the place of an entry of the map at p.
func (p Place) Entry(e tree.Entry) Place {
	return Place{Path: Join(p.Path, e.Key), Position: e.Position, Node: e.Value}.named()
}

// named returns the place under the name that its node has in messages, if it has one.
func (p Place) named() Place {
	if p.Node != nil && p.Node.Name != "" {
		p.Path = p.Node.Name
	}
	return p
}

// Join appends a key to a path.
func Join(path, key string) string {
	if path == "" {
		return Show(key)
	}
	return path + "." + Show(key)
}

// Show formats a text of the file for a message: quoted where its limits would not be clear
// otherwise, and shortened.
func Show(text string) string {
	const enough = 60
	if start, cut := shorten(text, enough); cut {
		return strconv.Quote(start) + "…"
	}
	strange := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }
	if text == "" || strings.ContainsFunc(text, strange) {
		return strconv.Quote(text)
	}
	return text
}

// shorten returns the first characters of a text, and whether there are more.
func shorten(text string, most int) (start string, cut bool) {
	for i := range text {
		if most--; most < 0 {
			return text[:i], true
		}
	}
	return text, false
}
