package adopt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRetryFindsRoom checks that nothing is recorded on a full file system, and that the record
// starts when there is room again.
func TestRetryFindsRoom(t *testing.T) {
	dir := mountSmall(t)
	filler, path := filepath.Join(dir, "filler"), filepath.Join(dir, "x.adverts")
	if err := os.WriteFile(filler, bytes.Repeat([]byte{1}, smallSize), 0o600); err != nil {
		t.Fatal(err)
	}
	r, past, err := open(t, path)
	if !errors.Is(err, ErrRoom) || !errors.Is(err, unix.ENOSPC) || past.Active() {
		t.Fatalf("opened on a full file system: %v", err)
	}
	if _, err := r.Keep(keysOf("a", "b")); !errors.Is(err, ErrRoom) || r.Kept() {
		t.Fatalf("kept on a full file system: %v", err)
	}
	r.Sent("a", 150, time.Now())
	if r.Retry() {
		t.Fatal("it found room on a full file system")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if !r.Retry() || !r.Kept() || r.Retry() {
		t.Fatal("it did not find the room, once")
	}
	r.Sent("b", 150, time.Now())
	if _, past, err := open(t, path); err != nil || len(past.active("a")) != 0 || len(past.active("b")) != 1 {
		t.Errorf("then it recorded %v, %v", past.active("a", "b"), err)
	}
}

// smallSize is the size of the file system of mountSmall.
const smallSize = 4 << 12

// mountSmall mounts a small tmpfs that only this thread sees, and returns its directory. The thread
// ends with the test, and with it the mount.
func mountSmall(t *testing.T) (dir string) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a small tmpfs")
	}
	runtime.LockOSThread()
	dir = t.TempDir()
	err := errors.Join(unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("none", dir, "tmpfs", 0, "size=16k"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.TempDir is removed by this thread, too
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}
