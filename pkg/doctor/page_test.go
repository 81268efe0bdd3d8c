package doctor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"ripcord/test/golden"
)

var inBraces = regexp.MustCompile(`\{([a-z]+)\}`)

// plainly writes a text of the table for the manual: what differs from case to case in
// capitals.
func plainly(text string) string {
	text = inBraces.ReplaceAllStringFunc(text, func(s string) string { return strings.ToUpper(strings.Trim(s, "{}")) })
	return strings.ReplaceAll(text, "|", `\|`)
}

const introduction = `# ripcord doctor

<!-- Made by go test ./pkg/doctor -update. -->

    ripcord doctor

looks at the machine and at its segments as a network engineer would before going live, and prints one line for each thing that would get in
the way of a failover: what it is, why it matters, what to do. It reads the configuration if there is one (` + "`--config FILE`" + `, either language);
without one it looks at all links that are up. It needs no daemon and disturbs none: it changes nothing, listens for adverts for four seconds
(` + "`--for`" + `; longer by default where an interval is), and asks by ordinary ARP and neighbor discovery who has the virtual addresses. Where an
instance has a virtual MAC that nobody uses yet, one more ARP probe leaves from that.

| exit code | means |
| --- | --- |
| 0 | nothing was found, or notes alone |
| 1 | something was found, or it could not look |
| 2 | a mistake on the command line |

` + "`--json`" + ` prints one document: ` + "`findings`" + `, each with ` + "`name`, `severity`, `subject`, `what`, `why` and `remedy`" + `; ` + "`links`" + ` that were looked at;
` + "`clean`" + `, which says that there was nothing but notes. The firewall is followed as the kernel would follow it, with an advert in hand: what may
drop it, as a limit of the rate or an extension of iptables, is not reported. On a bridge, Linux itself floods what it has no
membership for as long as nobody queries; switches often do not.

What it cannot see: what a switch does with multicast, and programs that drop adverts before the kernel shows them to anybody
([troubleshooting.md](troubleshooting.md#what-ripcord-cannot-see)). Run it on each router: each sees its own half.

`

// TestPage keeps docs/doctor.md as the table has it; -update writes it anew.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(introduction)
	for _, part := range []struct {
		title  string
		checks []check
	}{
		{"Links", linkChecks}, {"Settings of the kernel", kernelChecks}, {"Firewall", firewallChecks}, {"Segments", segmentChecks},
		{"Addresses", addressChecks}, {"Machine", machineChecks},
	} {
		fmt.Fprintf(&b, "## %s\n\n| finding | severity | what | why | what to do |\n| --- | --- | --- | --- | --- |\n", part.title)
		for _, c := range part.checks {
			fmt.Fprintf(&b, "| <a id=\"%s\"></a>`%s` | %s | %s | %s | %s |\n", c.name, c.name, c.severity, plainly(c.what), plainly(c.why), plainly(c.remedy))
		}
		b.WriteString("\n")
	}
	golden.Check(t, "../../docs/doctor.md", strings.TrimSuffix(b.String(), "\n"))
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
