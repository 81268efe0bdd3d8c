// Package keepalived starts Debian's keepalived, or another one, and ripcord from the same files,
// on equal LANs, and compares what others can see of them: their adverts, what they hold, which
// wins against a second router, and the commands that they run.
//
// The files are those of pkg/keepalived/testdata. files_test.go lists them with the accepted
// differences and their reasons. All LANs run in parallel, since they mostly wait. `make
// keepalived-diff` runs the tests. Without root they are skipped.
package keepalived

import (
	"cmp"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"

	"ripcord/test/stage"
)

// built is the path of the ripcord built for these tests.
var built string

// chosen restricts the files.
var chosen = flag.String("files", ".", "play those files only whose names this expression matches")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(stage.Main(m, "keepalived", func(path string) error {
		built = path
		return nil
	}))
}

// version is keepalived's version, such as "2.2.7".
var version = sync.OnceValue(func() string {
	path := cmp.Or(os.Getenv("KEEPALIVED"), "keepalived")
	text, _ := exec.Command(path, "--version").CombinedOutput()
	found := regexp.MustCompile(`Keepalived v([0-9.]+)`).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
})

// program returns the path of a program that test/setup installs. KEEPALIVED is the path of another
// keepalived.
func program(t *testing.T, name string) string {
	t.Helper()
	if other := os.Getenv("KEEPALIVED"); other != "" && name == "keepalived" {
		return other
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run `test/setup`, which installs it", name)
	}
	return path
}
