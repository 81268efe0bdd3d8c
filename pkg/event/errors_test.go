package event

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestErrorsAreExplained compares the tables of docs/troubleshooting.md with the schema: each event
// that can be logged at level error has a row, and so has each reason of those that have one.
func TestErrorsAreExplained(t *testing.T) {
	explained := explainedEvents(t)
	want := []string{}
	for _, d := range Schema {
		if slices.Contains(d.Levels, Error) {
			want = append(want, d.Name)
		}
	}
	for _, r := range warningReasons(t) {
		want = append(want, Warning{}.Name()+" "+r)
	}
	for _, e := range samples() {
		if h, ok := e.(InstanceHolding); ok && h.Level() == Error {
			want = append(want, h.Name()+" "+h.Reason)
		}
	}
	for _, r := range Conditions {
		want = append(want, InstanceFault{}.Name()+" "+string(r))
	}
	if len(want) < 50 {
		t.Errorf("found only %d events and reasons at level error", len(want))
	}
	for _, w := range want {
		if !explained[w] {
			t.Errorf("docs/troubleshooting.md has no row for %s, which is logged at level error", w)
		}
	}
}

// explainedEvents returns the events of the first column of the page's tables, and each with the
// reasons that follow it there.
func explainedEvents(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := make(map[string]bool)
	for line := range strings.Lines(string(page)) {
		column, ok := strings.CutPrefix(line, "| ")
		if !ok {
			continue
		}
		column, _, _ = strings.Cut(column, " | ")
		var events []string
		for _, word := range regexp.MustCompile("`([a-z.-]+)`").FindAllStringSubmatch(column, -1) {
			if _, ok := Lookup(word[1]); ok {
				events = append(events, word[1])
				explained[word[1]] = true
				continue
			}
			for _, e := range events {
				explained[e+" "+word[1]] = true
			}
		}
	}
	return explained
}

// warningReasons returns the reasons of Warning, which are constants of warning.go. An
// address-conflict is logged as AddressConflict.
func warningReasons(t *testing.T) (reasons []string) {
	t.Helper()
	source, err := os.ReadFile("warning.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`WarningReason = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
		if m[1] != string(WarnAddressConflict) {
			reasons = append(reasons, m[1])
		}
	}
	return reasons
}
