// Package golden compares what a test made with a golden file. In every package
// whose tests use it,
//
//	go test ./pkg/config -update
//
// writes the files instead: read the diff before you commit it.
package golden

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Check fails the test unless the file holds exactly got. The path is relative to
// the package's directory.
func Check(t testing.TB, file, got string) {
	t.Helper()
	if err := check(file, got, *update); err != nil {
		t.Error(err)
	}
}

// CheckPart fails the test unless the part of the file between the lines <!-- name --> and
// <!-- /name --> is exactly got. The rest of the file is written by hand.
func CheckPart(t testing.TB, file, name, got string) {
	t.Helper()
	if err := checkPart(file, name, got, *update); err != nil {
		t.Error(err)
	}
}

func checkPart(file, name, got string, update bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no part between the lines %q and %q", file, begin, end)
	}
	return check(file, head+begin+got+end+tail, update)
}

func check(file, got string, update bool) error {
	if update {
		return os.WriteFile(file, []byte(got), 0o644)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: %s writes it", err, command())
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s\nif that is what it should be now: %s", file, diff, command())
	}
	return nil
}

// command writes the golden files of the package that is tested.
func command() string {
	tested := "." // unknown: that of the current directory
	if info, ok := debug.ReadBuildInfo(); ok {
		tested = strings.TrimSuffix(info.Path, ".test")
		if inside, ok := strings.CutPrefix(tested, info.Main.Path+"/"); ok {
			tested = "./" + inside
		}
	}
	return "go test " + tested + " -update"
}
