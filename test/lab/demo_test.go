package lab

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDemo: `make demo`, the first thing that README.md proposes, plays all of its acts, and
// the README shows what it prints of a pulled cable.
func TestDemo(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(binary, "demo").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Everything has been removed.") {
		t.Fatalf("%v\n%s", err, out)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "```\nms ")
	shown, _, _ = strings.Cut(shown, "```")
	_, act, _ := strings.Cut(string(out), "left's cable to inside is pulled\n")
	act, _, _ = strings.Cut(act, "the cable is put back\n")
	printed := map[string]bool{}
	for line := range strings.Lines(act) {
		printed[withoutTime(line)] = true
	}
	lines := strings.Split(strings.TrimSpace(shown), "\n")[1:]
	if len(lines) < 10 {
		t.Fatalf("README.md shows %d lines of the demo", len(lines))
	}
	for _, line := range lines {
		if !printed[withoutTime(line)] {
			t.Errorf("README.md shows %q, and the demo prints:\n%s", line, act)
		}
	}
}

// withoutTime returns the words of a line of the demo but the first, its milliseconds.
func withoutTime(line string) string {
	words := strings.Fields(line)
	return strings.Join(words[min(1, len(words)):], " ")
}
