package keepalived

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// number is a number in the file and its place.
type number struct {
	value int
	at    tree.Position
	said  bool
}

// length is a duration in the file and its place.
type length struct {
	value time.Duration
	at    tree.Position
	said  bool
}

// or returns the value, or another one if the file has none.
func (n number) or(other number) number {
	if n.said {
		return n
	}
	return other
}

func (l length) or(other length) length {
	if l.said {
		return l
	}
	return other
}

// numberIn parses a word as a whole number in a range. If it is none, numberIn notes what happens
// instead.
func numberIn(r *syntax.Report, w syntax.Word, from, upto int, instead string) number {
	v, err := strconv.Atoi(strings.TrimSpace(w.Text))
	if err != nil || v < from || v > upto {
		r.Ignore(w.Position, "", "%s is not a number between %d and %d: %s", syntax.Show(w.Text), from, upto, instead)
		return number{}
	}
	return number{v, w.Position, true}
}

// leadingIn parses a word as numberIn does, but accepts a number followed by other characters, as
// keepalived does for most keywords.
func leadingIn(r *syntax.Report, w syntax.Word, from, upto int, instead string) number {
	text := strings.TrimSpace(w.Text)
	end := len(text)
	for i, c := range text {
		if (c < '0' || c > '9') && !(i == 0 && (c == '-' || c == '+')) {
			end = i
			break
		}
	}
	v, err := strconv.Atoi(text[:end])
	if end == len(text) || err != nil || v < from || v > upto {
		return numberIn(r, w, from, upto, instead)
	}
	r.Ignore(w.Position, "", "%s is not a number: ripcord uses %d", syntax.Show(w.Text), v)
	return number{v, w.Position, true}
}

// numberTo reads the first argument of a statement into a number, and leaves the number as it is if
// the argument is invalid.
func numberTo[T any](field func(*T) *number, from, upto int) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		if n := leadingIn(t.Report, s.Words[1], from, upto, s.Keyword()+" is left out"); n.said {
			*field(into) = n
		}
	}
}

// secondsIn parses a word as seconds with decimals, in a range.
func secondsIn(r *syntax.Report, w syntax.Word, from, upto time.Duration, instead string) length {
	d, ok := seconds(w.Text)
	if !ok || d < from || d > upto {
		r.Ignore(w.Position, "", "%s is not a number of seconds between %s and %s: %s", syntax.Show(w.Text), plainSeconds(from), plainSeconds(upto), instead)
		return length{}
	}
	return length{d, w.Position, true}
}

// secondsTo reads the first argument of a statement into a length.
func secondsTo[T any](field func(*T) *length, from, upto time.Duration) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		if d := secondsIn(t.Report, s.Words[1], from, upto, s.Keyword()+" is left out"); d.said {
			*field(into) = d
		}
	}
}

// seconds parses seconds with decimals, and cuts off decimals after the sixth.
func seconds(text string) (time.Duration, bool) {
	whole, decimals, _ := strings.Cut(strings.TrimSpace(text), ".")
	if whole == "" && decimals == "" || strings.Trim(whole+decimals, "0123456789") != "" {
		return 0, false
	}
	decimals = (decimals + "000000")[:6]
	const longest = 1 << 40 // µs
	n, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil || n > longest {
		return 0, false
	}
	return time.Duration(n) * time.Microsecond, true
}

// plainSeconds formats a duration as in keepalived.conf.
func plainSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// switched reads an optional boolean argument, which is true by default.
func switched(r *syntax.Report, s *syntax.Statement) (on, ok bool) {
	switch w := s.Word(1); w {
	case "", "true", "on", "yes":
		return true, true
	case "false", "off", "no":
		return false, true
	default:
		r.Ignore(s.Words[1].Position, "write on or off", "%s is neither true nor false: %s is left out", syntax.Show(w), s.Keyword())
		return false, false
	}
}

// switchTo reads an optional boolean argument into a number: 1 or 0.
func switchTo[T any](field func(*T) *number) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		if on, ok := switched(t.Report, s); ok {
			n := number{0, s.At(), true}
			if on {
				n.value = 1
			}
			*field(into) = n
		}
	}
}

// flagTo sets a flag, which has no argument.
func flagTo[T any](field func(*T) *number, value int) func(*translator, *syntax.Statement, *T) {
	return func(_ *translator, s *syntax.Statement, into *T) { *field(into) = number{value, s.At(), true} }
}

// wordTo keeps the first argument.
func wordTo[T any](field func(*T) *syntax.Word) func(*translator, *syntax.Statement, *T) {
	return func(_ *translator, s *syntax.Statement, into *T) { *field(into) = s.Words[1] }
}

// wordAmong keeps the first argument if it is one of some words.
func wordAmong[T any](field func(*T) *syntax.Word, words ...string) func(*translator, *syntax.Statement, *T) {
	return func(t *translator, s *syntax.Statement, into *T) {
		if w := s.Words[1]; slices.Contains(words, w.Text) {
			*field(into) = w
		} else {
			t.Ignore(w.Position, "", "%s is not one of %s: %s is left out", syntax.Show(w.Text), strings.Join(words, ", "), s.Keyword())
		}
	}
}

// rooted returns the first argument, a path, made to begin with /. keepalived opens a relative path
// in the directory where it was started, which is / under systemd.
func rooted(r *syntax.Report, s *syntax.Statement) syntax.Word {
	w := s.Words[1]
	if w.Text == "" || strings.HasPrefix(w.Text, "/") {
		return w
	}
	r.Differ(s.At(), "write the whole path", "%s is a relative path: ripcord uses /%s; keepalived uses the path below its working directory, which is / under systemd", syntax.Show(w.Text), w.Text)
	w.Text = "/" + w.Text
	return w
}

// isLink reports whether a link can have a name, which an alias such as eth0:1 cannot.
func isLink(name string) bool {
	const longest = 127
	reserved := name == "" || name == "." || name == ".." || name == "all" || name == "default"
	return !reserved && len(name) <= longest && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f })
}

// A builder builds a map of the tree.
type builder struct{ *tree.Node }

func newMap(at tree.Position, name string) builder {
	return builder{&tree.Node{Kind: tree.Map, Position: at, Name: name}}
}

// set adds a key with its value.
func (b builder) set(key string, at tree.Position, value *tree.Node) {
	b.Entries = append(b.Entries, tree.Entry{Key: key, Position: at, Value: value})
}

// text adds a key with a text.
func (b builder) text(key string, at tree.Position, value string) { b.textOf(key, key, at, value) }

// textOf adds a key with a text that problems name by a keyword.
func (b builder) textOf(keyword, key string, at tree.Position, value string) {
	b.set(key, at, &tree.Node{Kind: tree.Scalar, Position: at, Text: value, Name: b.inner(keyword)})
}

// inner returns the name of a value of the map.
func (b builder) inner(key string) string {
	if b.Name == "" {
		return ""
	}
	if keyword, ok := keywordOf[key]; ok {
		key = keyword
	}
	return b.Name + ": " + key
}

// keywordOf maps keys to the keywords by which problems name them.
var keywordOf = map[string]string{"vrid": "virtual_router_id", "interval": "advert_int", "pass": "auth_pass", "peers": "unicast_peer"}

// number adds a number if the file has it.
func (b builder) number(key string, n number) {
	if n.said {
		b.text(key, n.at, strconv.Itoa(n.value))
	}
}

// duration adds a duration if the file has it.
func (b builder) duration(key string, l length) {
	if l.said {
		b.text(key, l.at, l.value.String())
	}
}

// list adds a list unless it is empty.
func (b builder) list(key string, items []*tree.Node) {
	if len(items) == 0 {
		return
	}
	for i, n := range items {
		n.Index = i
	}
	b.set(key, items[0].Position, &tree.Node{Kind: tree.List, Position: items[0].Position, Items: items, Name: b.inner(key)})
}

// nested adds a map unless it is empty.
func (b builder) nested(key string, inner builder) {
	if len(inner.Entries) > 0 {
		b.set(key, inner.Position, inner.Node)
	}
}

// scalar returns a text of the tree.
func scalar(text string, at tree.Position) *tree.Node {
	return &tree.Node{Kind: tree.Scalar, Position: at, Text: text}
}

func titled(kind, name string) string { return fmt.Sprintf("%s %s", kind, syntax.Show(name)) }
