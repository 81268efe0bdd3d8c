package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: what it says tells the line that differs and how to write the file,
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
