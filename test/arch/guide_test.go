package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fileName finds the names of Go files in a comment; those of other packages have a path.
var fileName = regexp.MustCompile(`[a-z/*][a-z0-9_/*]*\.go\b`)

// TestGuides: the files that the comment of a package names exist. Where it lists most of them in
// indented blocks, as a guide to the package, it lists all but those that own descriptors.
func TestGuides(t *testing.T) {
	docs, err := filepath.Glob("../../pkg/*/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	deeper, _ := filepath.Glob("../../pkg/*/*/doc.go")
	guides := 0
	for _, doc := range append(docs, deeper...) {
		dir := filepath.Dir(doc)
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for line := range strings.Lines(string(text)) {
			for _, name := range fileName.FindAllString(line, -1) {
				if strings.ContainsAny(name, "/*") {
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Errorf("%s names %s, which is not there", doc, name)
				}
				if strings.HasPrefix(line, "//\t") {
					listed = append(listed, name)
				}
			}
		}
		files, _ := filepath.Glob(dir + "/*.go")
		files = slices.DeleteFunc(files, func(file string) bool {
			return strings.HasSuffix(file, "/doc.go") || strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_linux.go")
		})
		if len(listed) < len(files)/2 || len(listed) == 0 {
			continue
		}
		guides++
		for _, file := range files {
			name := filepath.Base(file)
			theme, _, _ := strings.Cut(name, "_") // advice.go stands for advice_groups.go, too
			if !slices.Contains(listed, name) && !slices.Contains(listed, theme+".go") {
				t.Errorf("%s guides through the package and leaves out %s", doc, name)
			}
		}
	}
	if guides < 4 {
		t.Errorf("found %d guides", guides)
	}
}
