package keepalived

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ripcord/test/golden"
)

// TestMigrationPage compares the tables in docs/migrating-from-keepalived.md with the tables of
// keywords; -update writes them.
func TestMigrationPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n")
	rows(&b, "Outside of blocks", rootKeywords)
	rows(&b, "`global_defs`", globalKeywords)
	rows(&b, "`vrrp_instance`", instanceKeywords)
	rows(&b, "`authentication`", authKeywords)
	rows(&b, "`auth_hmac`", hmacKeywords)
	rows(&b, "`vrrp_sync_group`", groupKeywords)
	rows(&b, "`track_group`", trackGroupKeywords)
	rows(&b, "`garp_group`", garpGroupKeywords)
	rows(&b, "`vrrp_script`", scriptKeywords)
	rows(&b, "`vrrp_track_process`", processKeywords)
	rows(&b, "`track_file`", fileKeywords)
	golden.CheckPart(t, "../../docs/migrating-from-keepalived.md", "keywords", b.String())
}

// rows writes the table of one kind of block.
func rows[T any](b *strings.Builder, title string, keywords table[T]) {
	fmt.Fprintf(b, "### %s\n\n| keyword | | in ripcord |\n| --- | --- | --- |\n", title)
	for _, k := range keywords {
		fate := [...]string{"", "nothing to do", "differs", "not done"}[k.fate]
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.name, fate, strings.ReplaceAll(k.becomes, "|", "\\|"))
	}
	b.WriteString("\n")
}

// TestTables checks that every keyword has a description, and is in its table only once.
func TestTables(t *testing.T) {
	total := 0
	for _, b := range blocks() {
		seen := map[string]bool{}
		for _, name := range b.keywords {
			if total++; seen[name] {
				t.Errorf("%s stands twice in %q", name, b.name)
			}
			seen[name] = true
		}
	}
	if total < 230 {
		t.Errorf("found %d keywords only", total)
	}
	complete(t, rootKeywords)
	complete(t, globalKeywords)
	complete(t, instanceKeywords)
	complete(t, groupKeywords)
	complete(t, trackGroupKeywords)
	complete(t, garpGroupKeywords)
	complete(t, authKeywords)
	complete(t, hmacKeywords)
	complete(t, scriptKeywords)
	complete(t, processKeywords)
	complete(t, fileKeywords)
}

// TestKnowsAllKeywords checks that no note treats a keyword of keepalived as misspelt.
func TestKnowsAllKeywords(t *testing.T) {
	text, err := os.ReadFile("testdata/keywords-2.4.3.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, b := range blocks() {
		known[b.name] = b.keywords
	}
	total := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		block, keyword := "", words[len(words)-1]
		if len(words) == 2 {
			block = words[0]
		}
		if block == "vrrp_track_file" { // which has the table of its other name
			block = "track_file"
		}
		if total++; !slices.Contains(known[block], keyword) {
			t.Errorf("%s of %q is in no table", keyword, block)
		}
	}
	if total < 280 {
		t.Errorf("the list has %d keywords only", total)
	}
}

func complete[T any](t *testing.T, keywords table[T]) {
	for _, k := range keywords {
		if k.becomes == "" || k.fate == Translated && k.read == nil || k.fate == Missing && k.topic == "" {
			t.Errorf("%s: %+q %q", k.name, k.becomes, k.topic)
		}
	}
}
