package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ripcord/pkg/command"
)

// TestGiveDirectory requires that the daemon's directory is made and given to the user that the
// daemon becomes, that a directory of another user stays that user's, and that a symbolic link is
// not followed.
func TestGiveDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot give a directory to another user")
	}
	dir := t.TempDir()
	owner := func(path string) uint32 {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	missing, roots, others, link := filepath.Join(dir, "missing"), filepath.Join(dir, "roots"), filepath.Join(dir, "others"), filepath.Join(dir, "link")
	for _, path := range []string{roots, others} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(others, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	to := &command.User{UID: 65534, GID: 65534}
	for path, want := range map[string]uint32{missing: 65534, roots: 65534, others: 1234} {
		if err := giveDirectory(path, to); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if got := owner(path); got != want {
			t.Errorf("%s belongs to user %d, want %d", path, got, want)
		}
	}
	target := t.TempDir()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := giveDirectory(link, to); err == nil || owner(target) != 0 {
		t.Errorf("a symbolic link: error %v, and its target belongs to user %d", err, owner(target))
	}
}
