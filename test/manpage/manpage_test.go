package manpage

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPage: what Markdown becomes.
func TestPage(t *testing.T) {
	p := New("ripcord", 8, "VRRP at once", "a test")
	p.Section("Exit status")
	p.Text(`A ` + "`--flag`" + ` with **weight**, see [fencing.md](fencing.md) and [the log](events.md#fields). C:\temp isn't 1 µs.

| code | means |
| --- | --- |
| ` + "`a\\|b`" + ` | done |

- one
  goes on
- .two

    ripcord status

` + "```yaml\n.instances: []\n```\n")
	p.Item("term", "meaning", "more")
	const want = `.\" Made by a test.
.TH RIPCORD 8 2026-11-27 ripcord "ripcord"
.nh
.ad l
.SH NAME
ripcord \- VRRP at once
.SH "EXIT STATUS"
A \fB\-\-flag\fR with \fBweight\fR, see
\fB/usr/share/doc/ripcord/fencing.md\fR and the log.
C:\etemp isn\(aqt 1 \[u00B5]s.
.TP
\fBa|b\fR
done
.IP \(bu 2
one goes on
.IP \(bu 2
\&.two
.PP
.in +4n
.EX
ripcord status
.EE
.in
.PP
.in +4n
.EX
\&.instances: []
.EE
.in
.TP
term
meaning
.IP
more
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(p.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

// TestPartsOfAPage: what is taken from the pages of docs/.
func TestPartsOfAPage(t *testing.T) {
	const page = "# A\n\nfirst\n\n| key | x |\n| --- | --- |\n| a | b |\n\n## B\n\nsecond\n\n### C\n\nthird\n\n## D\n\nfourth\n"
	if got := Part(page, "## B"); !strings.Contains(got, "second") || !strings.Contains(got, "third") || strings.Contains(got, "f") {
		t.Errorf("the part is %q", got)
	}
	if got := Table(page, "key"); got != "| key | x |\n| --- | --- |\n| a | b |" {
		t.Errorf("the table is %q", got)
	}
}

// TestPagesAreClean: mandoc has nothing to warn of in the pages of deploy/man, and a page
// with a mistake would be found.
func TestPagesAreClean(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	files, err := filepath.Glob("../../deploy/man/*.[0-9]")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d pages (%v)", len(files), err)
	}
	for _, file := range files {
		if out, err := exec.Command(mandoc, "-Tlint", "-Wwarning", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	}
	broken := exec.Command(mandoc, "-Tlint", "-Wwarning")
	broken.Stdin = strings.NewReader(".TH X 8 2026-11-27\n.SH NAME\nx \\- y\n.EE\n.ZZ\n")
	if out, _ := broken.CombinedOutput(); len(out) == 0 {
		t.Error("mandoc finds nothing in a page with mistakes")
	}
}
