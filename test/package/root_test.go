//go:build linux

package packages

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/test/netns"
)

// root is this machine's root file system, to which can be written: what is written stands
// in a layer above it, so it can be distinguished from the files that were there. It is in a mount namespace of
// the test's thread and ends with it, whatever becomes of the test.
type root struct {
	t     *testing.T
	dir   string // the whole
	layer string // what was written
}

// newRoot makes a root, and has the calling test run in its mount namespace from now on.
func newRoot(t *testing.T) *root {
	t.Helper()
	netns.NeedRoot(t)
	runtime.LockOSThread() // and never unlocked: the thread ends with the test, and the mounts with it
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	top, err := os.MkdirTemp("", "ripcord-package-")
	must("make a directory", err)
	t.Cleanup(func() {
		removed := make(chan error)
		go func() { removed <- os.Remove(top) }() // by another thread, for which nothing is mounted there
		if err := <-removed; err != nil {
			t.Error(err)
		}
	})
	must("unshare", unix.Unshare(unix.CLONE_NEWNS))
	must("make the mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must("mount a tmpfs", unix.Mount("tmpfs", top, "tmpfs", 0, "mode=755"))
	r := &root{t, filepath.Join(top, "root"), filepath.Join(top, "layer")}
	work := filepath.Join(top, "work")
	for _, dir := range []string{r.dir, r.layer, work} {
		must("make a directory", os.Mkdir(dir, 0o755))
	}
	layers := fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", r.layer, work)
	must("mount the layers", unix.Mount("overlay", r.dir, "overlay", 0, layers))
	must("mount /proc", unix.Mount("proc", r.dir+"/proc", "proc", 0, ""))
	must("bind /dev", unix.Mount("/dev", r.dir+"/dev", "", unix.MS_BIND|unix.MS_REC, ""))
	for _, dir := range []string{"run", "tmp"} {
		must("mount a tmpfs", unix.Mount("tmpfs", filepath.Join(r.dir, dir), "tmpfs", 0, "mode=755"))
	}
	if _, err := os.Stat(r.dir + "/usr/bin/dpkg"); err != nil {
		t.Skip("this is no Debian: there is no dpkg")
	}
	return r
}

// try runs a shell command in the root.
func (r *root) try(command string) (out string, err error) {
	c := exec.Command("/usr/sbin/chroot", r.dir, "/bin/sh", "-c", command)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	text, err := c.CombinedOutput()
	return string(text), err
}

// sh runs a shell command that has to succeed.
func (r *root) sh(command string) string {
	r.t.Helper()
	out, err := r.try(command)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// install has dpkg install a package from outside.
func (r *root) install(deb string) string {
	r.t.Helper()
	text, err := os.ReadFile(deb)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "tmp/ripcord.deb"), text, 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return r.sh("dpkg --force-confdef --install /tmp/ripcord.deb")
}

// written lists the files, links and directories that stand in the layer, without the
// directories that were there already, and what dpkg and sysusers keep.
func (r *root) written() (paths []string) {
	r.t.Helper()
	err := filepath.WalkDir(r.layer, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside := "/" + strings.TrimPrefix(strings.TrimPrefix(path, r.layer), "/")
		_, below := os.Lstat(inside) // of the machine itself
		switch info, err := d.Info(); {
		case err != nil:
			return err
		case d.IsDir() && below == nil, info.Mode()&fs.ModeCharDevice != 0: // a whiteout: what was there is gone
		case kept(inside):
		default:
			paths = append(paths, inside)
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

// kept reports whether a file is of dpkg, or a database of accounts or manual pages.
func kept(path string) bool {
	for _, prefix := range []string{"/var/lib/dpkg/", "/var/cache/", "/var/log/", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/.pwd.lock"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
