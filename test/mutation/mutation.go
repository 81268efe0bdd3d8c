// Package mutation breaks the code in one place at a time and sees whether a test notices: a
// mutation that no test catches is a rule that nobody checks.
//
// mutations.txt lists the mutations. A block begins with a line "# NAME", then says "in:" which
// file, and "caught by:" which test must fail (its package and name), or why it "survives:",
// which only a mutation may that changes nothing one can see. The lines below are a hunk of a
// diff: those with "-" are replaced by those with "+", those with "|" stand around them.
// Indentation does not matter, but the lines must be in the file exactly once.
package mutation

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Mutation is one change that breaks a rule.
type Mutation struct {
	Name, File string
	// Package and Test are what must catch it. Both are empty if it survives.
	Package, Test string
	Survives      string // why no test can catch it
	old, changed  []string
}

// Read returns the mutations that a file lists.
func Read(path string) (list []Mutation, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for number, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "# "); ok {
			list = append(list, Mutation{Name: name})
			continue
		}
		if line == "" || len(list) == 0 { // the lines before the first block describe the file
			continue
		}
		if !list[len(list)-1].take(line) {
			return nil, fmt.Errorf("%s:%d: %q is neither a key (in, caught by, survives) nor a line of a hunk (|, -, +)", path, number+1, line)
		}
	}
	return list, nil
}

// take takes one line of a block, and reports whether it knows its form.
func (m *Mutation) take(line string) (known bool) {
	code := statement(line[1:])
	switch line[0] {
	case '-':
		m.old = append(m.old, code)
		return true
	case '+':
		m.changed = append(m.changed, code)
		return true
	case '|':
		m.old, m.changed = append(m.old, code), append(m.changed, code)
		return true
	}
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "in":
		m.File = value
	case "caught by":
		m.Package, m.Test, known = strings.Cut(value, " ")
		return known
	case "survives":
		m.Survives = value
	default:
		return false
	}
	return true
}

// statement returns a line of code without its indent and trailing comment.
func statement(line string) string {
	code, _, _ := strings.Cut(line, " // ")
	return strings.TrimSpace(code)
}

// Apply returns a source text with the mutation.
func (m *Mutation) Apply(source string) (string, error) {
	lines := strings.Split(source, "\n")
	code := make([]string, len(lines))
	for i, line := range lines {
		code[i] = statement(line)
	}
	var found []int
	for i := range len(code) - len(m.old) + 1 {
		if slices.Equal(code[i:i+len(m.old)], m.old) {
			found = append(found, i)
		}
	}
	if len(m.old) == 0 || len(found) != 1 {
		return "", fmt.Errorf("mutations.txt is stale: the %d lines that this mutation changes are in %s %d times, and must be there once",
			len(m.old), m.File, len(found))
	}
	return strings.Join(slices.Replace(lines, found[0], found[0]+len(m.old), m.changed...), "\n"), nil
}
