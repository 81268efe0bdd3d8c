package problem

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestExcerpt checks that the excerpt of a long line is the part around the column, with the caret
// under the right character.
func TestExcerpt(t *testing.T) {
	line := "é" + strings.Repeat("0123456789", 100)
	for column := 1; column <= 1001; column += 50 {
		part, skipped := around(line, column)
		if n := utf8.RuneCountInString(part); n != Excerpt {
			t.Errorf("column %d: %d characters, want %d", column, n, Excerpt)
		}
		p := Problem{Line: 1, Column: column, Source: part, skipped: skipped}
		caret := strings.Index(p.caret(), "^")
		if got, want := []rune(part)[caret], []rune(line)[column-1]; got != want && got != '…' {
			t.Errorf("column %d: the caret is under %c, want %c", column, got, want)
		}
	}
	for _, short := range []string{"", "é", strings.Repeat("x", Excerpt)} {
		if part, skipped := around(short, 1); part != short || skipped != 0 {
			t.Errorf("%q is cut to %q", short, part)
		}
	}
}

func TestCaretKeepsTabs(t *testing.T) {
	p := Problem{File: "f", Line: 12, Column: 4, Message: "m", Source: "a\té\x1b"}
	want := "f:12:4: m\n 12 | a\té\uFFFD\n    |  \t ^"
	if got := p.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShow(t *testing.T) {
	for text, want := range map[string]string{
		"eth0": "eth0", "": `""`, "a b": `"a b"`, "\x1b[m": `"\x1b[m"`, strings.Repeat("é", 70): `"` + strings.Repeat("é", 60) + `"…`,
	} {
		if got := Show(text); got != want {
			t.Errorf("Show(%q) = %s, want %s", text, got, want)
		}
	}
}

// TestConcealKeepsTheCaret checks that a concealed secret keeps its number of columns.
func TestConcealKeepsTheCaret(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	for in, want := range map[string]string{
		`  {hex: ` + key + `, x: 1}`:           `  {hex: ` + strings.Repeat("*", 64) + `, x: 1}`,
		`{pass: "ü, b", hex: 'x y'} # c`:       `{pass: "** *", hex: '* *'} # c`,
		`addresses: [2001:db8:0:0:0:0:0:1/64]`: `addresses: [2001:db8:0:0:0:0:0:1/64]`,
		`bypass: yes`:                          `bypass: yes`,
		`hex:`:                                 `hex:`,
	} {
		if got := concealValues(conceal(in)); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}
