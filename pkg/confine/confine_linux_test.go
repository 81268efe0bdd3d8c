package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// child is an environment variable that makes this test binary a process that confines itself.
const child = "RIPCORD_CONFINE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	os.Exit(confined())
}

// confined confines this process, some of whose threads exist before, and tries what is forbidden
// afterwards.
func confined() int {
	release, ready := make(chan struct{}), sync.WaitGroup{}
	var failed sync.Map
	var all sync.WaitGroup
	ready.Add(4)
	for i := range 4 {
		all.Go(func() {
			runtime.LockOSThread()
			ready.Done()
			<-release
			if err := try(); err != nil {
				failed.Store(i, err)
			}
		})
	}
	ready.Wait()
	briefly := []int{unix.CAP_BPF, unix.CAP_PERFMON}
	rights := Rights{Capabilities: []int{unix.CAP_NET_RAW, unix.CAP_NET_ADMIN}, Briefly: briefly}
	if os.Getenv(child) == "user" {
		rights.User = &User{UID: 65534, GID: 65534}
	}
	if _, err := Apply(rights); err != nil {
		fmt.Println("apply:", err)
		return 1
	}
	if !Has(briefly...) {
		fmt.Println("want what is kept briefly")
	}
	if err := Drop(briefly...); err != nil {
		fmt.Println("drop:", err)
		return 1
	}
	close(release)
	all.Wait()
	failed.Range(func(i, err any) bool { fmt.Println(i, err); return true })
	status, _ := os.ReadFile("/proc/thread-self/status")
	fmt.Printf("%s\nuser %d %d\n", status, os.Getuid(), os.Getgid())
	return 0
}

// try does what a confined process must not.
func try() error {
	if err := syscall.Exec("/bin/true", []string{"true"}, nil); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("execve: %v, want EPERM", err)
	}
	if err := exec.Command("/bin/true").Run(); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("fork and execve: %v, want EPERM", err)
	}
	path := append([]byte("/bin/true"), 0)
	argv := []uintptr{0}
	_, _, errno := syscall.Syscall6(unix.SYS_EXECVEAT, ^uintptr(99), bytesAt(path), pointersAt(argv), pointersAt(argv), 0, 0)
	if errno != syscall.EPERM {
		return fmt.Errorf("execveat: %v, want EPERM", errno)
	}
	if err := syscall.Chroot("/"); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("chroot: %v, want EPERM", err)
	}
	return nil
}

// TestApply requires that no thread of a confined process can start a program, and that all have
// exactly the kept capabilities, also as another user.
func TestApply(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for kind, want := range map[string]string{"self": "user 0 0", "user": "user 65534 65534"} {
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), child+"="+kind)
		out, err := c.CombinedOutput()
		text := string(out)
		if strings.Contains(text, "is built with cgo") {
			t.Skip("the race detector needs cgo, with which threads are confined one by one only: go test without -race shows it")
		}
		if err != nil || strings.Contains(text, "want") {
			t.Errorf("%s: %v: %s", kind, err, text)
		}
		const set = "0000000000003000\n"
		for _, want := range []string{want, "CapPrm:\t" + set, "CapEff:\t" + set, "CapBnd:\t" + set, "CapInh:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in %s", kind, want, text)
			}
		}
	}
}

func bytesAt(b []byte) uintptr       { return uintptr(unsafe.Pointer(&b[0])) }
func pointersAt(p []uintptr) uintptr { return uintptr(unsafe.Pointer(&p[0])) }
