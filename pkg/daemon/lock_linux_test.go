package daemon_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/daemon"
	"ripcord/test/netns"
)

// acquire locks, and releases the lock when the test ends, if not before.
func acquire(t *testing.T, dir string) *daemon.Lock {
	t.Helper()
	lock, err := daemon.AcquireLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	return lock
}

// refused checks that the lock is held by this process.
func refused(t *testing.T, dir string) {
	t.Helper()
	lock, err := daemon.AcquireLock(dir)
	if err == nil {
		_ = lock.Close()
	}
	if !errors.Is(err, daemon.ErrRunning) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("a second one: %v", err)
	}
}

// TestLock requires that one daemon holds the lock, by the file and by the socket, and leaves
// nothing.
func TestLock(t *testing.T) {
	netns.Need(t)
	dir := filepath.Join(t.TempDir(), "ripcord")
	for range 2 {
		first := acquire(t, dir)
		if first.Doubt() != nil {
			t.Errorf("the lock has the doubt: %v", first.Doubt().Message())
		}
		refused(t, dir)
		refused(t, t.TempDir()) // as in a container, which has another /run
		if err := first.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the lock leaves %v, %v", left, err)
	}
}

// TestLockOfTheDying: AcquireLock waits for a holder that releases the lock a moment later, as one
// that was killed does: by the file, and by the socket if the file is another.
func TestLockOfTheDying(t *testing.T) {
	netns.Need(t)
	dir := t.TempDir()
	for _, next := range []string{dir, t.TempDir()} {
		first := acquire(t, dir)
		time.AfterFunc(200*time.Millisecond, func() { _ = first.Close() })
		_ = acquire(t, next).Close()
	}
}

// TestLockOfTheDead: the file of a killed daemon prevents no start, and the holder of a lock is
// found even if another process removes the file.
func TestLockOfTheDead(t *testing.T) {
	netns.Need(t)
	dir := t.TempDir()
	first := acquire(t, dir)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	path := filepath.Join(dir, files[0].Name())
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("other users may open the file: %v, %v", info.Mode(), err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused(t, dir)
	_ = first.Close()
	if err := os.WriteFile(path, []byte("4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	acquire(t, dir)
}

// TestLockWithoutFile: if the file cannot be made, the socket alone is the lock.
func TestLockWithoutFile(t *testing.T) {
	netns.Need(t)
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := acquire(t, dir)
	if doubt := first.Doubt(); doubt == nil || doubt.Level().String() != "warn" {
		t.Errorf("the doubt is %+v", doubt)
	}
	refused(t, dir)
}

// stranger is an environment variable that makes this test binary bind the name of the abstract
// socket and stay; its value says whether the binary also listens.
const stranger = "RIPCORD_TEST_STRANGER"

func beStranger() {
	const nobody = 65534
	err := syscall.Setuid(nobody)
	var fd int
	if err == nil {
		fd, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	}
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: "@ripcord"})
	}
	if err == nil && os.Getenv(stranger) == "listens" {
		err = syscall.Listen(fd, 1)
	}
	if err != nil {
		os.Stdout.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("bound")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the test ends it
	os.Exit(0)
}

// TestLockAgainstStrangers: a user without rights who binds the name of the socket neither prevents
// a start nor hides that two daemons run.
func TestLockAgainstStrangers(t *testing.T) {
	netns.Need(t)
	for _, how := range []string{"binds", "listens"} {
		t.Run(how, func(t *testing.T) {
			c := exec.Command("/proc/self/exe")
			c.Env = append(os.Environ(), stranger+"="+how)
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close(); _ = c.Wait() }()
			said := make([]byte, 64)
			if n, err := out.Read(said); string(said[:n]) != "bound" {
				t.Fatalf("the stranger: %q, %v", said[:n], err)
			}
			if _, err := net.Listen("unix", "@ripcord"); err == nil {
				t.Fatal("the stranger has not bound the name")
			}
			dir := t.TempDir()
			acquire(t, dir)
			refused(t, dir)
		})
	}
}

// TestForgetNamespace requires that the files of one namespace are removed, and none of another
// whose number begins alike.
func TestForgetNamespace(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"netns-42.lock", "netns-42.promoted", "netns-421.lock", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := daemon.ForgetNamespace(dir, "42"); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 2 || filepath.Base(left[0]) != "netns-421.lock" || filepath.Base(left[1]) != "other" {
		t.Errorf("left %v", left)
	}
}
