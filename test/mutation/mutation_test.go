package mutation

import (
	"encoding/json"
	"flag"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var mutate = flag.Bool("mutate", false, "run the tests against each mutation")

// root is the directory of the module.
const root = "../.."

// least is how many mutations there are at least, so that the list is not emptied to pass.
const least = 40

func readList(t *testing.T) []Mutation {
	t.Helper()
	list, err := Read("mutations.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < least {
		t.Fatalf("mutations.txt lists %d mutations, and must list %d", len(list), least)
	}
	return list
}

// mutant returns the text of the file of a mutation, mutated.
func (m *Mutation) mutant(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		t.Fatal(err)
	}
	mutant, err := m.Apply(string(source))
	if err != nil {
		t.Fatal(err)
	}
	return mutant
}

// TestListIsCurrent sees that each mutation can be made, and says what is to become of it.
func TestListIsCurrent(t *testing.T) {
	names := map[string]bool{}
	for _, m := range readList(t) {
		t.Run(m.Name, func(t *testing.T) {
			if names[m.Name] {
				t.Error("another mutation has this name")
			}
			names[m.Name] = true
			if (m.Test == "") == (m.Survives == "") {
				t.Error(`say either "caught by: PACKAGE TEST" or "survives: REASON"`)
			} else if m.Test != "" && !m.testExists(t) {
				t.Errorf("there is no %s in %s: name the test that catches it now", m.Test, m.Package)
			}
			if _, err := parser.ParseFile(token.NewFileSet(), m.File, m.mutant(t), 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// testExists reports whether the test is there that must catch a mutation: its function, and for
// a script its file.
func (m *Mutation) testExists(t *testing.T) bool {
	t.Helper()
	function, sub, _ := strings.Cut(m.Test, "/")
	if function == "TestScripts" {
		_, err := os.Stat(filepath.Join(root, m.Package, "testdata", sub+".txt"))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join(root, m.Package, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(path string) bool {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "func "+function+"(t ")
	})
}

// TestMutationsAreCaught makes each mutation in a copy of its file, which no file of the
// tree sees, and runs the test that must catch it. If that passes the others run, too.
func TestMutationsAreCaught(t *testing.T) {
	if !*mutate {
		t.Skip("it takes two minutes of two processors: make mutations")
	}
	list := readList(t)
	broken := brokenPackages(t, list)
	for _, m := range list {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			b := newBuild(t, &m, broken)
			if m.Test != "" && b.failure(t, m.Package, m.Test) != "" {
				return
			}
			by := b.search(t, filepath.Dir(m.File))
			switch {
			case by == "" && m.Survives != "":
				t.Logf("survives: %s", m.Survives)
			case by == "":
				t.Error("it survives: write a test that fails with it")
			case m.Survives != "":
				t.Errorf("it is listed as a survivor, but now it is caught by: %s", by)
			default:
				t.Errorf("%s %s passes with it; it is caught by: %s", m.Package, m.Test, by)
			}
		})
	}
}

// brokenPackages returns the packages whose tests fail without a mutation, and so notice none.
func brokenPackages(t *testing.T, list []Mutation) map[string]bool {
	t.Helper()
	packages := slices.Clone(searched)
	for _, m := range list {
		if m.Test != "" && !slices.Contains(packages, m.Package) {
			packages = append(packages, m.Package)
		}
	}
	intact, broken := &build{dir: t.TempDir(), binaries: make(map[string]string)}, make(map[string]bool)
	for _, pkg := range packages {
		if by := intact.failure(t, pkg, ""); by != "" {
			t.Errorf("%s %s fails without a mutation: mend it first", pkg, by)
			broken[pkg] = true
		}
	}
	return broken
}

// build builds and runs tests with a mutation, or without.
type build struct {
	dir, overlay string            // overlay is empty if there is no mutation
	binaries     map[string]string // by package
	broken       map[string]bool   // packages whose tests are not run
}

// searched are the packages whose tests look for a mutation that its own package's do not notice.
var searched = []string{"pkg/vrrp/machine", "test/scenario", "pkg/sim"}

func newBuild(t *testing.T, m *Mutation, broken map[string]bool) *build {
	t.Helper()
	dir := t.TempDir()
	b := &build{dir: dir, overlay: filepath.Join(dir, "overlay.json"), binaries: make(map[string]string), broken: broken}
	file, err := filepath.Abs(filepath.Join(root, m.File))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, filepath.Base(m.File))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{copied: m.mutant(t), b.overlay: string(overlay)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// search returns which test fails, the quick ones of the mutation's own package first; empty
// if none does.
func (b *build) search(t *testing.T, own string) (by string) {
	t.Helper()
	if by = b.failure(t, own, "TestScripts"); by != "" { // which says most exactly what is wrong
		return own + " " + by
	}
	for _, pkg := range append([]string{own}, searched...) {
		if by = b.failure(t, pkg, ""); by != "" {
			return pkg + " " + by
		}
	}
	return ""
}

var (
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	running = regexp.MustCompile(`(?m)^\s*running tests:\s+(\S+)`)
)

// failure runs a test of a package, or all of them for "", and returns the name of one that
// fails; empty if none does.
func (b *build) failure(t *testing.T, pkg, test string) string {
	t.Helper()
	if b.broken[pkg] {
		return ""
	}
	args := []string{"-test.failfast", "-test.timeout=3m", "-test.run=" + pattern(test)}
	if pkg == "pkg/sim" {
		args = append(args, "-hours=40", "-seeds=4") // a broken invariant shows early
	}
	cmd := exec.Command(b.binary(t, pkg), args...)
	cmd.Dir = filepath.Join(root, pkg)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	names := append(failed.FindAllSubmatch(out, -1), running.FindAllSubmatch(out, -1)...)
	if len(names) == 0 {
		t.Fatalf("%s: %v\n%s", pkg, err, out)
	}
	// The test before its subtests: the last name is one of these.
	return string(names[len(names)-1][1])
}

// pattern returns the expression for -test.run that selects a test, or a subtest, alone.
func pattern(test string) string {
	if test == "" {
		return "."
	}
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// binary returns the path of a package's tests, built with the mutation.
func (b *build) binary(t *testing.T, pkg string) string {
	t.Helper()
	if path, ok := b.binaries[pkg]; ok {
		return path
	}
	path := filepath.Join(b.dir, filepath.Base(pkg)+".test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", b.overlay, "-o", path, "./"+pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the mutation does not build: %v\n%s", err, out)
	}
	b.binaries[pkg] = path
	return path
}
