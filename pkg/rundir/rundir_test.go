package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReplaceFails requires that a file that cannot be replaced stays, with nothing beside it.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "record")
	if err := os.Mkdir(path, 0o700); err != nil { // no file can replace a directory
		t.Fatal(err)
	}
	if err := Replace(path, []byte("text")); err == nil {
		t.Error("a directory was replaced")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "record" {
		t.Errorf("left: %v", left)
	}
}

// TestRead requires that the text of a regular file is returned, and that anything else is refused
// at once.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	path, fifo := filepath.Join(dir, "record"), filepath.Join(dir, "fifo")
	if err := errors.Join(Replace(path, []byte("text")), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(path); err != nil || string(text) != "text" {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := Read(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, path := range []string{fifo, dir} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestReplace requires that a file is replaced as a whole, in a directory that is made for it, with
// nothing beside it, and that removing a missing file is no error.
func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	path := filepath.Join(dir, "record")
	for _, text := range []string{"a long first one", "short"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	for range 2 {
		if err := Remove(path); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := Replace(filepath.Join(path+"/file", "x"), nil); err != nil {
		t.Error(err)
	}
	if err := Remove(path); err == nil {
		t.Error("a directory that is not empty was removed")
	}
}

// TestBoot checks that the id of the boot is returned without the end of its line, the same each
// time.
func TestBoot(t *testing.T) {
	first, err := Boot()
	if err != nil || len(first) != len("00000000-0000-0000-0000-000000000000") {
		t.Fatalf("%q, %v", first, err)
	}
	if second, err := Boot(); err != nil || second != first {
		t.Errorf("%q and then %q, %v", first, second, err)
	}
}
