package lab

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shown is a block of a page that is neither a configuration, which pkg/config loads, nor a
// simulation, which cmd/ripcord runs.
type shown struct {
	page, text string
}

// begins returns the page and the first line.
func (b shown) begins() string {
	first, _, _ := strings.Cut(b.text, "\n")
	return b.page + ": " + first
}

var (
	fencedBlock   = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```\n")
	indentedBlock = regexp.MustCompile(`(?m)(?:^    [^ ].*\n)+`)
)

// shownBlocks returns the blocks of all pages.
func shownBlocks(t *testing.T) (all []shown) {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(pages, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := filepath.Base(path)
		for _, m := range fencedBlock.FindAllSubmatch(text, -1) {
			if language := string(m[1]); language != "yaml" && language != "console" {
				all = append(all, shown{page, string(m[2])})
			}
		}
		for _, block := range indentedBlock.FindAll(fencedBlock.ReplaceAll(text, nil), -1) {
			all = append(all, shown{page, strings.ReplaceAll(string(block[4:]), "\n    ", "\n")})
		}
	}
	return all
}

// elsewhere are the blocks that are not run by TestShownCommands, by page and beginning, each
// with what tests it or why nothing does.
var elsewhere = map[string]string{
	"api.md: ssh -L":                   "needs a server of SSH: test/page has the page over the socket",
	"architecture.md: ":                "pictures, whose packages test/arch compares with the tree",
	"commands.md: 2026-":               "what ripcord events prints: cmd/ripcord renders such a story",
	"doctor.md: ripcord doctor":        "TestDoctor",
	"events.md: {":                     "lines of the log with parts left out, which pkg/telemetry has whole",
	"getting-started.md: ":             "TestGettingStarted; what installs, test/package",
	"migrating-from-keepalived.md: [":  "TestUnitKeepalived",
	"migrating-from-keepalived.md: ch": "TestUnitKeepalived",
	"migrating-from-keepalived.md: ri": "test/keepalived runs ripcord from such files",
	"notify.md: INSTANCE":              "lines of the FIFO: TestNotifyIsThatOfKeepalived",
	"README.md:   ":                    "a picture",
	"probe.md: outside":                "what ripcord status prints: cmd/ripcord/testdata/healthy.txt",
	"security.md: [":                   "TestUnitFile and TestUnitFenceAndWatchdog",
	"upgrades.md: ripcord":             "TestHandover",
	"README.md: make":                  "what make runs, and test/package",
	"README.md: ms":                    "what ripcord demo prints: TestDemo",
	"README.md: ripcord":               "TestGettingStarted; test/keepalived runs ripcord from such files",
}

// TestShownCommands runs the commands that pages show, on a router that the pages describe: each
// has to end well, and print what its page says. A block that is neither run nor tested
// elsewhere is an error.
func TestShownCommands(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a")
	file, demote, key := filepath.Join(s.Dir, "a.yaml"), filepath.Join(s.Dir, "demote"), filepath.Join(s.Dir, "key")
	if err := os.WriteFile(demote, []byte("0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	yaml := "links: {default: {recovery: {wait: 1s}}}\n" + router{150, 100 * time.Millisecond, "track: [{check: demote}]"}.yaml(s, s.socket("a")) + "checks: [{name: demote, interval: 100ms, file: {path: " + demote + "}}]\n"
	a := s.startYAML("a", yaml)
	a.becomes("active", began, 6*time.Second)
	at := s.pull("a", inside)
	lost := a.wait(at, patience, "the move", is("instance.transition"))
	at = s.plug("a", inside)
	a.wait(at, patience, "the link", is("link.up"))
	a.becomes("active", at, 10*time.Second)

	here := strings.NewReplacer("/run/ripcord/ripcord.sock", a.socket, "/etc/ripcord/key", key, "/run/demote", demote,
		"journalctl -u ripcord -o cat", "cat "+a.Log, "18ea59645610fa4e", lost.Trace,
		"ripcord check --run", binary+" check --run "+file, "ripcord status", binary+" status --socket "+a.socket,
		"useradd ", "useradd --prefix "+s.Dir+" ")
	for _, dir := range []string{"etc", "var/mail"} { // of the accounts of useradd
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	prints := map[string]string{ // what each line is to print
		"curl --unix-socket /run/ripcord/ripcord.sock http://ripcord/v1/status": `"state":"active"`,
		"curl --unix-socket /run/ripcord/ripcord.sock http://ripcord/metrics":   `ripcord_instance_state{`,
		"curl --unix-socket /run/ripcord/ripcord.sock --json":                   `"released":true`,
		"journalctl -u ripcord -o cat | jq 'select(.trace ==":                   `"event": "link.down"`,
		"journalctl -u ripcord -o cat | jq -c 'select(.event == \"link.up\")":   `["eth0"`, // and the difference, if both saw the loss
		"journalctl -u ripcord -o cat | jq 'select(.event == \"check.changed\"": `"name": "demote"`,
		"openssl rand": "",
		"useradd":      "",
		"echo -100":    "",
		"ripcord check --run               # every check once, here": "demote",
		"ripcord status                    # the state of each":      "demote",
	}
	used, ran := map[string]bool{}, map[string]bool{}
	for _, block := range shownBlocks(t) {
		by := ""
		for begin := range elsewhere {
			if strings.HasPrefix(block.begins(), begin) {
				by, used[begin] = begin, true
			}
		}
		if by != "" {
			continue
		}
		for line := range strings.Lines(block.text) {
			want, known := "", false
			for begin, output := range prints {
				if strings.HasPrefix(line, begin) {
					want, known, ran[begin] = output, true, true
				}
			}
			if !known {
				t.Errorf("%s shows, and no test runs or loads:\n%s", block.page, line)
				continue
			}
			out, err := s.Run("a", "/bin/sh", "-c", here.Replace(line))
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%s: %s%v\n%.500s\nwant %q", block.page, line, err, out, want)
			}
		}
	}
	for begin := range elsewhere {
		if !used[begin] {
			t.Errorf("no page shows %q", begin)
		}
	}
	for begin := range prints {
		if !ran[begin] {
			t.Errorf("no page shows %q", begin)
		}
	}
	if text, err := os.ReadFile(key); err != nil || len(strings.TrimSpace(string(text))) != 64 {
		t.Errorf("the key that a page makes is %q, %v", text, err)
	}
	accounts, err := os.ReadFile(filepath.Join(s.Dir, "etc/passwd"))
	if err != nil || !slices.ContainsFunc(strings.Split(string(accounts), "\n"), func(l string) bool { return strings.HasPrefix(l, "ripcord:") }) {
		t.Errorf("the accounts are %q, %v", accounts, err)
	}
}
