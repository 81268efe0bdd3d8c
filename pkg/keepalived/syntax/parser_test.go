package syntax

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ripcord/pkg/tree"
)

// sketch writes statements on one line, each word with its place.
func sketch(all []*Statement) string {
	var b strings.Builder
	for _, s := range all {
		for _, w := range s.Words {
			quote := ""
			if w.Quoted {
				quote = `"`
			}
			fmt.Fprintf(&b, "%d:%d:%s%s%s ", w.Line, w.Column, quote, w.Text, quote)
		}
		if s.Open != nil {
			b.WriteString("{ " + sketch(s.Block) + "} ")
		}
	}
	return b.String()
}

// testSystem has some files.
type testSystem map[string]string

func (s testSystem) Glob(pattern string) (names []string) {
	for name := range s {
		if ok, _ := filepath.Match(pattern, name); ok {
			names = append(names, name)
		}
	}
	return names
}

func (s testSystem) Read(path string, limit int) ([]byte, error) {
	text, ok := s[path]
	if !ok {
		return nil, errors.New(path + " does not exist")
	}
	return []byte(text)[:min(len(text), limit)], nil
}

func (testSystem) Getenv(name string) string {
	return map[string]string{"RIPCORD_TEST_PRIORITY": "140"}[name]
}

func (testSystem) Random(from, _ int) int { return from }

func at(line, column int) tree.Position { return tree.Position{Line: line, Column: column} }

func parsed(files map[string]string, id string) ([]*Statement, *Report) {
	r := &Report{}
	statements, _ := Parse("/etc/x.conf", []byte(files["/etc/x.conf"]), Options{ID: id, System: testSystem(files)}, r)
	return statements, r
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"a b c":                                 "1:1:a 1:3:b 1:5:c ",
		"a b{c}d":                               "1:1:a 1:3:b { 1:5:c } 1:7:d ",
		"a\n{\n b\n}\n":                         "1:1:a { 2... } ",
		"a # b\n! c\nd!e \"# ! {\" f":           "1:1:a 3:1:d ",
		`a \#b \!c`:                             `1:1:a `,
		`a "b \" c"`:                            `1:1:a 1:3:"b \" 1:9:c `,
		"\ta\tb\r\n\tc\r\n":                     "1:2:a 1:4:b 2:2:c ",
		"\uFEFFa ü b":                           "1:1:a 1:3:ü 1:5:b ",
		"a \xff b # \xff":                       "1:1:a 1:3:\uFFFD 1:5:b ",
		"x\x00y\na":                             "2:1:a ",
		`a"b c"d`:                               `1:1:a 1:2:"b c" 1:7:d `,
		"$A=1 2\n$B=${A} 3\na $B ${A}x $1 $$":   "3:1:a 3:3:1 3:3:2 3:3:3 3:6:1 3:6:2x 3:12:$1 3:15:$$ ",
		"$A=b \\\n {\\\n c\\\n }\na $A":         "5:1:a 5:3:b { 5:1:c } ",
		"@me a\n@other b\n@^me c\n@^other d\n@": "1:5:a 4:9:d ",
		"~SEQ(X, 1, 3) a $X":                    "1:1:a 1:1:1 1:1:a 1:1:2 1:1:a 1:1:3 ",
		"~SEQx(X, 9, 2, 14) a ${X}b":            "1:1:a 1:1:9b 1:1:a 1:1:bb 1:1:a 1:1:db ",
		"~LST({A, B}, {1, 2}, {3}) a $A x$B":    "1:1:a 1:1:1 1:1:x2 1:1:a 1:1:3 1:1:x ",
		"~SEQ(X, 1, 2) ~SEQ(Y, 1, 2) $X $Y":     "1:1:1 1:1:1 1:1:1 1:1:2 1:1:2 1:1:1 1:1:2 1:1:2 ",
		"a ${_ENV RIPCORD_TEST_PRIORITY} ${_HASH}x ${_INSTANCE}": "1:1:a 1:3:140 ",
		"{ a } b":     "{ 1:3:a } 1:7:b ",
		"a } b":       "1:1:a 1:5:b ",
		"a { b } { c": "",
	} {
		got, _ := parsed(map[string]string{"/etc/x.conf": text}, "me")
		if strings.Contains(want, "...") {
			want = "1:1:a { 3:2:b } "
		}
		if want != "" && sketch(got) != want {
			t.Errorf("%q is %s\nwant %s", text, sketch(got), want)
		}
	}
}

func TestInclude(t *testing.T) {
	got, r := parsed(map[string]string{
		"/etc/x.conf":   "a {\ninclude d/*.conf\ninclude {y,z}.conf\ninclude none*\n}\n",
		"/etc/d/1.conf": "include 2.inc\nb",
		"/etc/d/2.inc":  "c }\nd {",
		"/etc/y.conf":   "y",
		"/etc/z.conf":   "z",
	}, "")
	if s := sketch(got); s != "1:1:a { 1:1:c } 2:1:d { 2:1:b 1:1:y 1:1:z } " {
		t.Error(s)
	}
	if len(r.notes) != 1 || r.notes[0].Position != at(4, 1) || r.notes[0].Class != Ignored {
		t.Errorf("%+v", r.notes)
	}
	_, r = parsed(map[string]string{"/etc/x.conf": "\n  include y", "/etc/y": "include x.conf"}, "")
	if len(r.notes) != 1 || r.notes[0].Position != (tree.Position{File: 1, Line: 1, Column: 1}) || r.notes[0].Class != Error {
		t.Errorf("a loop: %+v", r.notes)
	}
	_, r = parsed(map[string]string{"/etc/x.conf": "includer y"}, "")
	if len(r.notes) != 1 || r.notes[0].Class != Error {
		t.Errorf("a file that has to be there: %+v", r.notes)
	}
}

// TestMissingBrace checks that the error is at the block whose closing brace is probably missing.
func TestMissingBrace(t *testing.T) {
	for text, line := range map[string]int{
		"a {\n  b {\n    c\n}\nd {\n  e\n}\n":          2,
		"a {\n  b {\n    c\n  }\nd {\n  e\n}\n":        1,
		"a {\n  b {\n    c\n  }\n":                     1,
		"a {\n  b {\n    c\n":                          1,
		"x\na\n{\n  b\n  {\n    c\n  }\nd {\n  e\n}\n": 2,
	} {
		_, r := parsed(map[string]string{"/etc/x.conf": text}, "")
		if len(r.notes) != 1 || r.notes[0].Class != Error || r.notes[0].Line != line {
			t.Errorf("%q: %+v, want line %d", text, r.notes, line)
		}
	}
}
