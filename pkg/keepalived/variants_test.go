package keepalived

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// variants are different ways to write a file with the same meaning. Each returns false if it would
// change the meaning.
var variants = []struct {
	name string
	of   func(lines []string) ([]string, bool)
}{
	{"CRLF", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return l + "\r" }), true
	}},
	{"BOM", func(lines []string) ([]string, bool) {
		return append([]string{"\uFEFF" + lines[0]}, lines[1:]...), true
	}},
	{"tabs", func(lines []string) ([]string, bool) { return each(lines, tabs), true }},
	{"no indentation", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return strings.TrimLeft(l, " \t") }), true
	}},
	{"more indentation", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return "\t   " + l }), true
	}},
	{"blanks behind", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string {
			if strings.HasSuffix(l, `\`) {
				return l
			}
			return l + " \t "
		}), true
	}},
	{"empty lines", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string {
			if strings.HasSuffix(l, `\`) {
				return l
			}
			return l + "\n\n  "
		}), true
	}},
	{"comments behind", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return l + ` # a remark { "with` }), !anyOf(lines, open)
	}},
	{"comments glued", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return l + `!}remark` }), !anyOf(lines, open) && !anyOf(lines, password)
	}},
	{"comments between", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return "  ! a remark\n" + l + "\n#}{" }), !anyOf(lines, open)
	}},
	{"brace on the next line", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return opening.ReplaceAllString(l, "$1\n\t{") }), !anyOf(lines, special)
	}},
	{"brace glued", func(lines []string) ([]string, bool) {
		return each(lines, func(l string) string { return opening.ReplaceAllString(l, "$1{") }), !anyOf(lines, special)
	}},
	{"brace of the line before", joined},
}

var (
	// open matches a line with an open quote at its end, or that continues in the next.
	open = regexp.MustCompile(`^[^"]*("[^"]*"[^"]*)*"[^"]*$|\\$|\\"`)
	// special matches lines in which a brace does more than end a word.
	special = regexp.MustCompile(`^\s*[~$@]|\\$|\$\{|\{\{`)
	opening = regexp.MustCompile(`^([^"#!{}]*[^"#!{} \t])[ \t]*\{$`)
	remark  = regexp.MustCompile(`[#!]`)
	// password matches a line that gets another note if a remark follows directly.
	password = regexp.MustCompile(`auth_pass`)
)

func each(lines []string, change func(string) string) (out []string) {
	for _, l := range lines {
		out = append(out, change(l))
	}
	return out
}

func anyOf(lines []string, pattern *regexp.Regexp) bool {
	for _, l := range lines {
		if pattern.MatchString(l) {
			return true
		}
	}
	return false
}

// tabs replaces the blanks outside of quotes by tabs.
func tabs(l string) string {
	parts := strings.Split(l, `"`)
	if len(parts)%2 == 0 || strings.Contains(l, `\`) {
		return l
	}
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], " ", "\t")
	}
	return strings.Join(parts, `"`)
}

// joined moves each closing brace to the line before it.
func joined(lines []string) (out []string, ok bool) {
	for _, l := range lines {
		n := len(out) - 1
		if strings.TrimSpace(l) == "}" && n >= 0 && !remark.MatchString(out[n]) && strings.Count(out[n], `"`)%2 == 0 {
			out[n] += " }"
			continue
		}
		out = append(out, l)
	}
	return out, !anyOf(lines, special)
}

// TestVariants writes each file of the corpus differently, and checks that its meaning and its
// notes stay the same.
func TestVariants(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	tried := make([]int, len(variants))
	for _, file := range files {
		if strings.Contains(file, "broken-inner-brace-missing") || strings.Contains(file, "exclamation") {
			continue // its notes depend on its indentation, and show its blanks
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\uFEFF")), []byte("\r\n"), []byte("\n"))
		want := meaning(file, text)
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		for i, v := range variants {
			other, ok := v.of(lines)
			if !ok {
				continue
			}
			tried[i]++
			for _, end := range []string{"", "\n"} {
				if got := meaning(file, []byte(strings.Join(other, "\n")+end)); got != want {
					t.Errorf("%s, %s:\n%s\nwant\n%s\nin\n%s", file, v.name, got, want, strings.Join(other, "\n"))
				}
			}
		}
	}
	for i, v := range variants {
		if tried[i] < 150 {
			t.Errorf("%s: only %d files were written so", v.name, tried[i])
		}
	}
}

// meaning returns a translation and its notes without their places.
func meaning(file string, text []byte) string {
	tr := Translate(file, text, Options{ID: "alpha", WithoutLVS: true, System: testSystem{}})
	var b strings.Builder
	for _, n := range tr.Notes {
		if strings.HasPrefix(n.Message, "the file begins with a byte order mark") { // only that variant gets this note
			continue
		}
		b.WriteString(n.Subject + ": " + n.Message + "; " + n.Hint + "\n")
	}
	if tr.Root != nil {
		b.WriteString(tr.Root.YAML())
	}
	return b.String()
}
