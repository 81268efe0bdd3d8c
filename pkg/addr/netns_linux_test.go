package addr

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

const inNamespace = "RIPCORD_ADDR_TEST_NETNS"

// TestMain runs the tests, as root, in a network namespace of their own.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(inNamespace) != "" {
		os.Exit(m.Run())
	}
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := again.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "running the tests in a network namespace:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

var cables atomic.Int32

// cable makes a veth, up at both ends, and returns the names of its ends.
func cable(t testing.TB) (near, far string) {
	t.Helper()
	if os.Getenv(inNamespace) == "" {
		t.Skip("needs root, to make a network namespace")
	}
	n := cables.Add(1)
	near, far = fmt.Sprintf("near%d", n), fmt.Sprintf("far%d", n)
	ip(t, "link", "add", near, "type", "veth", "peer", "name", far)
	for _, name := range []string{near, far} {
		ip(t, "link", "set", name, "addrgenmode", "none")
		ip(t, "link", "set", name, "up")
	}
	t.Cleanup(func() { ip(t, "link", "del", near) })
	return near, far
}

// ip runs iproute2's ip, in the words that somebody else would use.
func ip(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func kernel(t testing.TB) LinuxKernel {
	t.Helper()
	k, err := OpenKernel(t.TempDir() + "/addresses")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func indexOf(t testing.TB, name string) int {
	t.Helper()
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link.Index
}

// on lists the addresses of a link, ours with a star.
func on(t testing.TB, k Kernel, index int) []string {
	t.Helper()
	all, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		if s.Index == index {
			out = append(out, s.Prefix.String()+map[bool]string{true: "*"}[s.Marked])
		}
	}
	slices.Sort(out)
	return out
}

func batchOf(index int, link, first string, n int) []Op {
	p := netip.MustParsePrefix(first)
	var ops []Op
	for a := p.Addr(); len(ops) < n; a = a.Next() {
		ops = append(ops, Op{index, Address{Prefix: netip.PrefixFrom(a, p.Bits()), Interface: link}})
	}
	return ops
}
