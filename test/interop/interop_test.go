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
	"fmt"
	"os"
	"os/exec"
	"ripcord/test/built"
	"testing"
)

var full = flag.Bool("full", false, "play every cell of the matrix, not the essential ones alone")

// binary is ripcord as it was built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
	if os.Geteuid() != 0 {
		fmt.Println("interop: not root: no test here can make its network namespaces; all are skipped")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "ripcord-interop-")
	if err != nil {
		fmt.Println("interop:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = built.Command(dir, built.Ripcord); err != nil {
		fmt.Println("interop:", err)
		return 1
	}
	code := m.Run()
	seen.print(os.Stdout)
	return code
}

// needRoot skips the test without root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make network namespaces")
	}
}

// program finds what test/setup installs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run `test/setup packages interop/packages`, which installs it", name)
	}
	return path
}
