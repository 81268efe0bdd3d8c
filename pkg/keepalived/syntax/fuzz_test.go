package syntax

import (
	"strings"
	"testing"

	"ripcord/pkg/tree"
)

// FuzzParse checks that nothing crashes, and that each statement, word and note has a place
// that is in one of the files.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a b{c}d # e\n! f\n\"g \\\" h\" \\#i", "a {\n b {\n  c\n }\n}", "$A=x \\\n y \\\n z\na $A ${A} ${_ENV X} $1 $$", "@me a\n@^me b\n@ c",
		"~SEQ(X, 1, 3) a $X", "~SEQx(X, 9, 2, 14) ~SEQ(Y, 3, -1, 1) a ${X}$Y", "~LST({A, B}, {1, 2}, {3}) a $A x$B", "~LST(A, 1, ~LST(B, 2) $A", "a \xff\x00\r\n\uFEFF}",
		"include d/*.conf\nincluder {y,z}.conf\ninclude x.conf", "script \"a 'b c' \\x41 \\101\\\\\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Report{}
		statements, files := Parse("/etc/x.conf", text, Options{ID: "me", System: testSystem{
			"/etc/d/1.conf": "include 2.inc\nb {", "/etc/d/2.inc": "$A=c }\nd", "/etc/y.conf": "@me ~SEQ(X, 1, 2) y $X $A",
		}}, r)
		lines := make([]int, len(files))
		for i, file := range files {
			lines[i] = strings.Count(string(file.Text), "\n") + 1
		}
		for _, n := range r.notes {
			if !stands(n.Position, lines) || n.Message == "" {
				t.Errorf("note %+v stands nowhere", n)
			}
		}
		inFiles(t, statements, lines)
	})
}

// inFiles checks that the positions of statements and words are in files with the given numbers of
// lines.
func inFiles(t *testing.T, all []*Statement, lines []int) {
	for _, s := range all {
		if len(s.Words) == 0 && s.Open == nil {
			t.Error("a statement has neither a word nor a block")
			continue
		}
		for _, w := range s.Words {
			if !stands(w.Position, lines) {
				t.Errorf("%q stands nowhere: %+v", w.Text, w.Position)
			}
		}
		s.Command() // however its quotes are
		inFiles(t, s.Block, lines)
	}
}

// stands reports whether a position is in one of the files.
func stands(p tree.Position, lines []int) bool {
	return p.File >= 0 && p.File < len(lines) && p.Line >= 1 && p.Line <= lines[p.File] && p.Column >= 1
}
