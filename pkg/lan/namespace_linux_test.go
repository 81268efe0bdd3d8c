package lan

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/test/netns"
)

const within = 5 * time.Second

// TestMain turns the test binary into a helper if the environment says so: a process that makes a
// namespace and a child in it, and waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("LAN_TEST_VICTIM") != "" {
		victim()
	}
	os.Exit(m.Run())
}

func victim() {
	n, err := NewNamespace("victim")
	if err != nil {
		panic(err)
	}
	cmd := exec.Command("sleep", "60")
	if err := n.Start(cmd); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
	time.Sleep(time.Minute)
}

func namespace(t *testing.T, name string) *Namespace {
	t.Helper()
	netns.NeedRoot(t)
	n, err := NewNamespace(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// eventually polls, because the kernel ends threads and processes with some delay.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := poll(within, func() (bool, error) { return done(), nil }); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestDoRunsInTheNamespace(t *testing.T) {
	n := namespace(t, "a")
	outside, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var inside, nested string
	err = n.Do(func() error {
		inside, _ = os.Readlink("/proc/thread-self/ns/net")
		return n.Do(func() error {
			nested, _ = os.Readlink("/proc/thread-self/ns/net")
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if inside == outside || inside != n.id || nested != inside {
		t.Errorf("ran in %s and %s, want %s and not %s", inside, nested, n.id, outside)
	}
	if after, _ := os.Readlink("/proc/self/ns/net"); after != outside {
		t.Errorf("the process is in %s now, was in %s", after, outside)
	}
	want := errors.New("word")
	if err := n.Do(func() error { return want }); err != want {
		t.Errorf("Do gave %v, want the error of its function", err)
	}
}

func TestLoopbackIsUpAndAlone(t *testing.T) {
	links, err := namespace(t, "a").Links()
	if err != nil {
		t.Fatal(err)
	}
	if len(links) != 1 || links[0].Name != "lo" || !links[0].AdminUp || !links[0].Carrier {
		t.Errorf("links: %+v, want lo alone, up", links)
	}
}

func TestSysctlIsTheNamespacesOwn(t *testing.T) {
	a, b := namespace(t, "a"), namespace(t, "b")
	const key = "net.ipv4.ip_forward"
	if err := a.SetSysctl(key, "1"); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[*Namespace]string{a: "1", b: "0"} {
		if got, err := n.Sysctl(key); err != nil || got != want {
			t.Errorf("%s in %s: %q, %v, want %q", key, n.Name(), got, err, want)
		}
	}
	if err := a.SetSysctl("net.ipv4.no_such_thing", "1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an unknown setting gave %v", err)
	}
}

// TestSettingsDoNotDependOnTheMachine checks the settings that a later interface inherits, and
// those that apply to all.
func TestSettingsDoNotDependOnTheMachine(t *testing.T) {
	n := namespace(t, "a")
	for _, s := range settings {
		for _, scope := range []string{"all", "default"} {
			key := strings.Replace(s.key, "*", scope, 1)
			got, err := n.Sysctl(key)
			if err == nil && got != s.value {
				t.Errorf("%s is %s, want %s", key, got, s.value)
			}
		}
	}
	// Check some settings by name, so that the test does not rely on the table alone.
	for _, key := range []string{"net.ipv6.conf.default.accept_dad", "net.ipv6.conf.default.dad_transmits", "net.ipv4.conf.all.rp_filter"} {
		if got, err := n.Sysctl(key); err == nil && got != "0" {
			t.Errorf("%s is %s, want 0", key, got)
		}
	}
}

func TestClosedNamespaceSaysSo(t *testing.T) {
	n := namespace(t, "a")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Do(func() error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("Do after Close: %v, want ErrClosed", err)
	}
	if err := n.Start(exec.Command("true")); !errors.Is(err, ErrClosed) {
		t.Errorf("Start after Close: %v, want ErrClosed", err)
	}
}

func TestFunctionThatEndsItsGoroutine(t *testing.T) {
	n := namespace(t, "a")
	if err := n.Do(func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("Do gave no error")
	}
	eventually(t, "the namespace is over", func() bool {
		return errors.Is(n.Do(func() error { return nil }), ErrClosed)
	})
}

// TestChildrenDieWithTheNamespace checks that a child ends, and the child's child, which has no
// Pdeathsig and has left its parent's session.
func TestChildrenDieWithTheNamespace(t *testing.T) {
	n := namespace(t, "a")
	cmd := exec.Command("sh", "-c", "setsid sleep 60 >/dev/null & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	grandchild := readPID(t, bufio.NewScanner(out))
	eventually(t, "both are in the namespace", func() bool {
		return namespaceOf(cmd.Process.Pid) == n.id && namespaceOf(grandchild) == n.id
	})
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if id := namespaceOf(grandchild); id == n.id {
		t.Error("the grandchild lives on after Close")
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the child ended with %v, want SIGKILL", err)
	}
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	netns.NeedRoot(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LAN_TEST_VICTIM=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := readPID(t, bufio.NewScanner(out))
	id := namespaceOf(child)
	if id == "" || id == namespaceOf(os.Getpid()) {
		t.Errorf("the child runs in %q", id)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the child dies with its parent", func() bool { return namespaceOf(child) != id })
}

func readPID(t *testing.T, lines *bufio.Scanner) int {
	t.Helper()
	if !lines.Scan() {
		t.Fatal("the command printed nothing")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestNothingLeaks makes and closes whole LANs with everything that runs on them.
func TestNothingLeaks(t *testing.T) {
	netns.NeedRoot(t)
	before := descriptors(t)
	for range 5 {
		l := twoHosts(t, Options{})
		if _, err := l.Segment("inside").Sniff(); err != nil {
			t.Fatal(err)
		}
		ask, err := l.Host("a").Prober("eth0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask.Watch(addressB, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all threads are in the process's own namespace", func() bool { return foreignThreads(t) == 0 })
	eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= before })
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors open, were %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// foreignThreads counts the threads in another namespace than the process.
func foreignThreads(t *testing.T) (n int) {
	t.Helper()
	own := namespaceOf(os.Getpid())
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		id, err := os.Readlink("/proc/self/task/" + e.Name() + "/ns/net")
		if err == nil && id != own {
			n++
		}
	}
	return n
}

// TestMainThreadIsLeftAlone starts namespaces from the main thread, which must never become one.
func TestMainThreadIsLeftAlone(t *testing.T) {
	for range 20 {
		n := namespace(t, "a")
		if n.tid == unix.Getpid() {
			t.Fatal("the main thread is the namespace")
		}
	}
}
