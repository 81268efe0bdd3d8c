// Package netns runs the tests of a package in a network namespace of their own, in which they can
// make links and addresses, and do not see those of the machine:
//
//	func TestMain(m *testing.M) { netns.Main(m) }
//
// The namespace has no name and ends with the tests. As root all tests run in it. Without root they
// run in the current namespace, and those that call Need are skipped. What a test opens belongs to
// the namespace of its thread.
package netns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inside is set in the environment of the process that runs in a namespace of its own.
const inside = "RIPCORD_TEST_NETNS"

// Main runs the tests and exits: it starts this test binary again, in a new namespace.
func Main(m *testing.M) {
	if os.Getenv(inside) != "" || os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // Pdeathsig takes effect at the end of the thread
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Args[0] = os.Args[0]
	again.Env = append(os.Environ(), inside+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := again.Run()
	switch exit := new(exec.ExitError); {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(max(1, exit.ExitCode()))
	}
	fmt.Fprintf(os.Stderr, "no network namespace: %v; the tests that need one skip\n", err)
	os.Exit(m.Run())
}

// NeedRoot skips the test without root, which is needed to make namespaces.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make network namespaces")
	}
}

// Need skips the test unless it runs in a namespace of its own and iproute2 is installed.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(inside) == "" {
		t.Skip("not in a network namespace of its own: needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs iproute2, to make links: ", err)
	}
}

// IP runs iproute2's ip, as another program would, and returns its output. One argument may contain
// several words.
func IP(t testing.TB, words ...string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(strings.Join(words, " "))...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(words, " "), err, out)
	}
	return string(out)
}

// Running waits until the kernel regards links as running. That may be a second after both ends of
// a veth are up, and the kernel drops what is sent before.
func Running(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		for tries := 0; ; tries++ {
			link, err := net.InterfaceByName(name)
			if err != nil {
				t.Fatal(err)
			}
			if link.Flags&net.FlagRunning != 0 {
				break
			}
			if tries == 500 {
				t.Fatalf("%s is up, but not running", name)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}
