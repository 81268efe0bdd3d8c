// Package interop tests the built binary on a LAN with routers of other makers, Debian's keepalived
// and FRR's vrrpd. It determines which of the two should be Active after each event, how soon, and
// for how long both may have been.
//
// A cell of the matrix is a struct (cells_test.go) and becomes a LAN of its own. All cells play the
// same events (events_test.go) in parallel, and print the measurements as a table at the end. `make
// interop` plays the essential cells, `make interop-full` all. Without root the tests are skipped.
package interop

import (
	"flag"
	"os"
	"os/exec"
	"testing"

	"ripcord/test/stage"
)

var full = flag.Bool("full", false, "play every cell of the matrix, not the essential ones alone")

// binary is the path of the ripcord built for these tests.
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

// program returns the path of a program that test/setup installs. KEEPALIVED is the path of another
// keepalived.
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
