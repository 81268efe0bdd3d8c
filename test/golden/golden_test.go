package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: its error names the line that differs and how to write the file,
// and the file is written only where that was asked for.
func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.golden")
	const text, other, rewrite = "one\ntwo\n", "one\n2\n", "go test ./test/golden -update"
	says := func(got string, words ...string) {
		t.Helper()
		err := check(file, got, false)
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("it says %v, and not %q", err, w)
			}
		}
		if len(words) == 0 && err != nil {
			t.Error(err)
		}
	}

	says(text, file, "no such file", rewrite)
	if err := check(file, text, true); err != nil {
		t.Fatal(err)
	}
	says(text)
	says(other, file, `"two"`, `"2"`, "-want +got", rewrite)
	says(strings.TrimSuffix(text, "\n"), rewrite)
	if held, err := os.ReadFile(file); err != nil || string(held) != text {
		t.Errorf("the file was changed to %q, %v", held, err)
	}
	if err := check(file, other, true); err != nil {
		t.Fatal(err)
	}
	says(other)
	if err := check(filepath.Join(file, "below"), text, true); err == nil {
		t.Error("it wrote a file where none can be")
	}
}

// TestCheckPart: only the part between the two lines is compared and written.
func TestCheckPart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	page := func(part string) string { return "head\n<!-- rows -->\n" + part + "<!-- /rows -->\ntail\n" }
	if err := os.WriteFile(file, []byte(page("old\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkPart(file, "rows", "new\n", false); err == nil || !strings.Contains(err.Error(), `"new"`) {
		t.Errorf("another part: %v", err)
	}
	if err := checkPart(file, "columns", "new\n", true); err == nil || !strings.Contains(err.Error(), "<!-- columns -->") {
		t.Errorf("a part that the file does not have: %v", err)
	}
	if err := checkPart(file, "rows", "new\n", true); err != nil {
		t.Fatal(err)
	}
	if held, err := os.ReadFile(file); err != nil || string(held) != page("new\n") {
		t.Errorf("the file is %q, %v", held, err)
	}
	if err := checkPart(file, "rows", "new\n", false); err != nil {
		t.Error(err)
	}
}
