package arch

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// TestMakeTestsEverything compares what make would run with the tests and fuzz targets
// below pkg and cmd: a list that misses a package tests nothing of it and says nothing.
func TestMakeTestsEverything(t *testing.T) {
	make := exec.Command("make", "--no-print-directory", "-n", "unit", "fuzz")
	make.Dir, make.Env = root, append(os.Environ(), "MAKEFLAGS=")
	out, err := make.Output()
	if err != nil {
		t.Fatalf("make -n unit fuzz: %v", err)
	}
	runs := wordsOf(string(out))
	for _, dir := range []string{"pkg", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			here, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			if !runs["./"+here] {
				t.Errorf("make unit does not test %s", here)
				runs["./"+here] = true // once is enough
			}
			text, err := os.ReadFile(path)
			for _, m := range fuzzTarget.FindAllSubmatch(text, -1) {
				if want := strings.TrimPrefix(here, "pkg/") + ":" + string(m[1]); !runs[want] {
					t.Errorf("make fuzz does not run %s", want)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wordsOf returns the words of what make prints, without quotes.
func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n'\";=", r) }) {
		words[w] = true
	}
	return words
}
