package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot run programs as another user")
	}
}

func lookup(t *testing.T, name, group string) *User {
	t.Helper()
	u, err := LookupUser(name, group)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLookupUser(t *testing.T) {
	if u := lookup(t, "nobody", ""); u.Name != "nobody" || u.UID != 65534 || u.GID != 65534 {
		t.Errorf("nobody is %+v", u)
	}
	if u := lookup(t, "65534", "daemon"); u.Name != "nobody" || u.GID != 1 || u.Groups != nil {
		t.Errorf("nobody in group daemon is %+v", u)
	}
	if _, err := LookupUser("no-such-user", ""); text(err) != "there is no user no-such-user: create it (useradd --system no-such-user), or name another one" {
		t.Errorf("got %v", err)
	}
	if _, err := LookupUser("nobody", "no-such-group"); !strings.Contains(text(err), "there is no group no-such-group") {
		t.Errorf("got %v", err)
	}
}

func TestRunAsUser(t *testing.T) {
	needRoot(t)
	r, _ := run(t, t.Context(), Command{Argv: shell("id -u; id -g; id -G; echo $USER $HOME; echo x > /etc/ripcord-test"), User: lookup(t, "nobody", "daemon")})
	got := strings.Join(strings.Fields(r.Output), " ")
	if !strings.HasPrefix(got, "65534 1 1 nobody /nonexistent") || !strings.Contains(got, "Permission denied") {
		t.Errorf("the output is %q, error %v", r.Output, r.Err)
	}
}

// TestKillAsUser requires that a command of another user is killed at its timeout, too.
func TestKillAsUser(t *testing.T) {
	needRoot(t)
	r, returned := run(t, t.Context(), Command{Argv: shell("trap '' TERM; while :; do sleep 0.1; done"), User: lookup(t, "nobody", ""), Timeout: 100 * time.Millisecond, Grace: 100 * time.Millisecond})
	if r.Exit != -1 || returned > 5*time.Second {
		t.Errorf("got %+v after %v", r, returned)
	}
}

// TestReplaceable: a program that another user may change is refused.
func TestReplaceable(t *testing.T) {
	needRoot(t)
	nobody, root := lookup(t, "nobody", ""), lookup(t, "root", "")
	// The directory for temporary files is sticky; those of the tests are below it.
	base, err := os.MkdirTemp("", "ripcord")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := func(name string, mode os.FileMode, uid, gid int) string {
		path := filepath.Join(base, name)
		must(t, os.Mkdir(path, 0o700), os.Chown(path, uid, gid), os.Chmod(path, mode))
		return path
	}
	file := func(path string, mode os.FileMode, uid, gid int) string {
		must(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700), os.Chown(path, uid, gid), os.Chmod(path, mode))
		return path
	}
	link := func(target, path string) string {
		must(t, os.Symlink(target, path))
		return path
	}
	sound := file(dir("sound", 0o755, 0, 0)+"/x", 0o755, 0, 0)
	for _, c := range []struct {
		what, path string
		user       *User
		want       string // of the error; empty: it may run
	}{
		{"root's own", sound, root, ""},
		{"root's, run by another", sound, nobody, ""},
		{"nobody's, run by root", file(base+"/nobodys", 0o755, 65534, 65534), root, "nobodys belongs to user nobody, who could change what user root runs"},
		{"nobody's, run by nobody", base + "/nobodys", nobody, ""},
		{"writable by nobody's group", file(base+"/group", 0o775, 0, 65534), root, "group is writable by group 65534"},
		{"writable by the group that runs it", base + "/group", nobody, ""},
		{"writable by root's group", file(base+"/wheel", 0o775, 0, 0), nobody, ""},
		{"belongs to another user and is writable by all", file(base+"/all", 0o777, 1, 1), root, "all belongs to user daemon"},
		{"below a directory of another user", file(dir("theirs", 0o755, 1, 1)+"/x", 0o755, 0, 0), root, "/theirs belongs to user daemon"},
		{"below a directory that all may write", file(dir("open", 0o777, 0, 0)+"/x", 0o755, 0, 0), root, "/open is writable by everybody (mode 0777)"},
		{"below one that is sticky", file(dir("sticky", os.ModeSticky|0o777, 0, 0)+"/x", 0o755, 0, 0), root, ""},
		{"by a link to a sound one", link("sound/x", base+"/link"), root, ""},
		{"by a link to an open one", link("../"+filepath.Base(base)+"/open/x", base+"/link2"), root, "/open is writable by everybody"},
		{"by a link of the whole path", link(base+"/theirs", base+"/link3") + "/x", root, "/theirs belongs to user daemon"},
		{"by links in a circle", link("b", base+"/a") + link("a", base+"/b")[:0], root, "too many symbolic links"},
		{"below a directory that its user may not search", file(dir("closed", 0o700, 0, 0)+"/x", 0o755, 0, 0), nobody, "closed/x is not executable by user nobody, who may not search "},
		{"the same, of root", base + "/closed/x", root, ""},
		{"not executable by its user", file(base+"/private", 0o700, 0, 0), nobody, "private is not executable by user nobody (mode 0700)"},
	} {
		_, err := CheckExecutable(c.path, c.user)
		if c.want == "" && err != nil || c.want != "" && !strings.Contains(text(err), c.want) {
			t.Errorf("%s: got %q, want %q", c.what, text(err), c.want)
		}
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSystemPrograms requires that Debian's own programs pass: /bin is a link, and so is /bin/sh.
func TestSystemPrograms(t *testing.T) {
	for _, name := range []string{"sh", "/bin/sh", "true", "/usr/bin/env"} {
		if _, err := CheckExecutable(name, nil); err != nil {
			t.Error(err)
		}
	}
}
