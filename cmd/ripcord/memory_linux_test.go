package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKeepMemory requires that locked memory is given back like any other, and that memory that is
// only reserved is not locked.
func TestKeepMemory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: no right to lock memory")
	}
	before := limit(t)
	reserved := statusMiB(t, "VmSize")
	if e := keepMemory(); e.Err != "" || e.Unread != "" {
		t.Fatalf("%+v", e)
	}
	defer func() { _ = unix.Munlockall() }()
	if locked := statusMiB(t, "VmLck"); locked < reserved/2 {
		t.Errorf("of %d MiB reserved %d are locked", reserved, locked)
	}
	if after := limit(t); after != before {
		t.Errorf("the limit is %+v, before it was %+v", after, before)
	}
	if size, resident := programKiB(t); resident < size {
		t.Errorf("of %d KiB of the program %d are in memory", size, resident)
	}
	if raceDetector() {
		t.Skip("the race detector keeps a shadow of freed memory, so the resident size proves nothing")
	}
	const size = 64
	start := statusMiB(t, "VmRSS")
	garbage := make([]byte, size<<20)
	for i := 0; i < len(garbage); i += os.Getpagesize() {
		garbage[i] = 1
	}
	full := statusMiB(t, "VmRSS")
	runtime.KeepAlive(garbage)
	debug.FreeOSMemory()
	if end := statusMiB(t, "VmRSS"); full < start+size*9/10 || end > start+size/10 {
		t.Errorf("resident: %d MiB, with %d MiB more %d, and without them %d", start, size, full, end)
	}
}

// TestLockMemoryNotPermitted requires that without CAP_IPC_LOCK nothing is locked, whatever the
// limit is: the runtime would end the program at the limit.
func TestLockMemoryNotPermitted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give up a right that it has not")
	}
	before := limit(t)
	if before.Cur == unix.RLIM_INFINITY {
		t.Skip("no limit on locked memory: nothing can be refused")
	}
	runtime.LockOSThread() // capabilities are a thread's
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had [2]unix.CapUserData
	if err := unix.Capget(&header, &had[0]); err != nil {
		t.Fatal(err)
	}
	without := had
	without[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	if err := unix.Capset(&header, &without[0]); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Capset(&header, &had[0]) }()
	if err := lockMemory(); !errors.Is(err, unix.EPERM) {
		_ = unix.Munlockall()
		t.Errorf("got %v, want that it is not permitted", err)
	}
	if after := limit(t); after != before {
		t.Errorf("the limit is %+v, before it was %+v", after, before)
	}
}

// programKiB returns the size of the program in memory, and how much of it is there, from
// /proc/self/smaps.
func programKiB(t *testing.T) (size, resident int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	ours := false
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case !strings.HasSuffix(f[0], ":"):
			ours = f[len(f)-1] == program
		case ours && f[0] == "Size:":
			kib, _ := strconv.Atoi(f[1])
			size += kib
		case ours && f[0] == "Rss:":
			kib, _ := strconv.Atoi(f[1])
			resident += kib
		}
	}
	if size == 0 {
		t.Fatalf("%s is not mapped", program)
	}
	return size, resident
}

// raceDetector reports whether the test is built with the race detector.
func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func limit(t *testing.T) (l unix.Rlimit) {
	t.Helper()
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// statusMiB returns a value of /proc/self/status, which has kB, in MiB.
func statusMiB(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatalf("no %s in /proc/self/status", name)
	return 0
}
