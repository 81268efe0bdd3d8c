package doctor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"ripcord/test/golden"
)

var inBraces = regexp.MustCompile(`\{([a-z]+)\}`)

// plainly returns a text of the table for the manual, with its placeholders in capitals.
func plainly(text string) string {
	text = inBraces.ReplaceAllStringFunc(text, func(s string) string { return strings.ToUpper(strings.Trim(s, "{}")) })
	return strings.ReplaceAll(text, "|", `\|`)
}

// TestPage compares the tables in docs/doctor.md with those of the checks; -update writes them.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n")
	for _, part := range []struct {
		title  string
		checks []check
	}{
		{"Links", linkChecks}, {"Kernel settings", kernelChecks}, {"Firewall", firewallChecks}, {"Segments", segmentChecks},
		{"Addresses", addressChecks}, {"Machine", machineChecks},
	} {
		fmt.Fprintf(&b, "### %s\n\n| finding | severity | what | why | what to do |\n| --- | --- | --- | --- | --- |\n", part.title)
		for _, c := range part.checks {
			fmt.Fprintf(&b, "| <a id=\"%s\"></a>`%s` | %s | %s | %s | %s |\n", c.name, c.name, c.severity, plainly(c.what), plainly(c.why), plainly(c.remedy))
		}
		b.WriteString("\n")
	}
	golden.CheckPart(t, "../../docs/doctor.md", "findings", b.String())
}

// TestTable: each finding has its own name, and says what, why and what to do.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range table() {
		if seen[c.name] || c.name == "" || c.what == "" || c.why == "" || c.remedy == "" || c.look == nil {
			t.Errorf("%+v", c)
		}
		seen[c.name] = true
		if end := c.what[len(c.what)-1]; end == '.' || c.severity != Error && c.severity != Warning && c.severity != Note {
			t.Errorf("%s: %q, %q", c.name, c.severity, c.what)
		}
	}
	if len(seen) < 45 {
		t.Errorf("%d findings", len(seen))
	}
}
