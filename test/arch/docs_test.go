package arch

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	reference  = regexp.MustCompile(`docs/[A-Za-z0-9_./-]+\.md(#[a-z0-9-]+)?`)
	pageLink   = regexp.MustCompile(`\]\(([^)#: ]*)(#[a-z0-9-]+)?\)`)
	sourceFile = regexp.MustCompile("`((?:cmd|pkg|test)/[a-z0-9_/]+\\.go)`")
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	anchor     = regexp.MustCompile(`<a id="([a-z0-9-]+)">`)
	unspoken   = regexp.MustCompile(`[^a-z0-9 -]`)
)

// TestReferencesIntoDocs: every page and anchor that the code, the unit files and the
// pages themselves refer to exists.
func TestReferencesIntoDocs(t *testing.T) {
	found := 0
	visit(t, func(name, text string) {
		for _, ref := range reference.FindAllString(text, -1) {
			found++
			page, at, _ := strings.Cut(ref, "#")
			exists(t, name, page, at)
		}
		if path.Ext(name) != ".md" {
			return
		}
		for _, link := range pageLink.FindAllStringSubmatch(text, -1) {
			found++
			page := name
			if link[1] != "" {
				page = path.Join(path.Dir(name), link[1])
			}
			exists(t, name, page, strings.TrimPrefix(link[2], "#"))
		}
	})
	if found < 40 {
		t.Errorf("found only %d references: this reads the tree wrongly", found)
	}
}

// TestConflictsAreResolved checks that no file has the conflict markers of a merge, which a change of
// the line lengths may move into the middle of a line.
func TestConflictsAreResolved(t *testing.T) {
	markers := []string{strings.Repeat("<", 7) + " ", strings.Repeat(">", 7) + " "}
	visit(t, func(name, text string) {
		for _, marker := range markers {
			if strings.Contains(text, marker) {
				t.Errorf("%s has the conflict marker %q", name, marker)
			}
		}
	})
}

// TestFilesNamedInDocs: every source file that a page names exists, so that the page is
// mended when a file is renamed.
func TestFilesNamedInDocs(t *testing.T) {
	found := 0
	visit(t, func(name, text string) {
		if path.Dir(name) != "docs" {
			return
		}
		for _, file := range sourceFile.FindAllStringSubmatch(text, -1) {
			found++
			exists(t, name, file[1], "")
		}
	})
	if found < 10 {
		t.Errorf("found only %d files: this reads the pages wrongly", found)
	}
}

// TestNoOutsideDocuments: a comment cites only what is in the repository or a public
// standard.
func TestNoOutsideDocuments(t *testing.T) {
	outside := regexp.MustCompile(`design decision|spec §|design §|\.\./shared|design\.md|spec\.md`)
	visit(t, func(name, text string) {
		if name == "test/arch/docs_test.go" {
			return
		}
		if cited := outside.FindString(text); cited != "" {
			t.Errorf("%s cites %q, which is not in the repository", name, cited)
		}
	})
}

// exists reports a reference from a file to a page, or an anchor of it, that is not
// there.
func exists(t *testing.T, from, page, at string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if info, _ := os.Stat(filepath.Join(root, page)); info != nil && info.IsDir() {
		return
	}
	if err != nil {
		t.Errorf("%s refers to %s, which does not exist", from, page)
		return
	}
	if at == "" {
		return
	}
	for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
		plain := unspoken.ReplaceAllString(strings.ToLower(h[1]), "")
		if strings.ReplaceAll(plain, " ", "-") == at {
			return
		}
	}
	for _, a := range anchor.FindAllStringSubmatch(string(text), -1) {
		if a[1] == at {
			return
		}
	}
	t.Errorf("%s refers to %s#%s, which has no such heading or anchor", from, page, at)
}

// visit reads every file of text of the project, by its path from the root.
func visit(t *testing.T, read func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == ".git" || rel == "bin" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		switch path.Ext(rel) {
		case ".go", ".md", ".yml", ".yaml", ".service", "":
			text, err := os.ReadFile(name)
			read(rel, string(text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
