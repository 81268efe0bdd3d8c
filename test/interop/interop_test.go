// Package interop puts the built binary on a LAN with routers of other makers,
// Debian's keepalived and FRR's vrrpd, and decides who of the two should be
// Active after each thing that happens to either, how soon, and for how long
// there may have been two.
//
// A cell of the matrix is a struct (cells_test.go) and becomes a LAN of its own;
// all play the same events (events_test.go), side by side, and what was seen is
// printed as a table at the end. `make interop` plays the essential cells,
// `make interop-full` all. It needs root, and skips without it.
package interop

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"ripcord/test/stage"
)

var full = flag.Bool("full", false, "play every cell of the matrix, not the essential ones alone")

// binary is ripcord as it was built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
	code := stage.Main(m, "interop", func(path string) error {
		binary = path
		return nil
	})
	seen.print(os.Stdout)
	return code
}

// program finds what test/setup installs; KEEPALIVED is the path of another keepalived.
func program(t *testing.T, name string) string {
	t.Helper()
	if other := os.Getenv("KEEPALIVED"); other != "" && name == "keepalived" {
		return other
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run `test/setup packages interop/packages`, which installs it", name)
	}
	return path
}
