package daemon_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/addr"
	"ripcord/pkg/daemon"
)

const promoteSecondaries = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"

// promoted returns promote_secondaries of eth0.
func promoted(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(promoteSecondaries)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// crashed returns the kernel in the state that a daemon left which died after it had set
// promote_secondaries of eth0, which was 0.
func crashed(t *testing.T, dir string) addr.Kernel {
	t.Helper()
	for _, path := range []string{"/proc/sys/net/ipv4/conf/all/promote_secondaries", promoteSecondaries} {
		if err := os.WriteFile(path, []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	space, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := addr.OpenKernel(filepath.Join(dir, "netns-"+strings.Trim(space, "net:[]")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close() })
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	if err := kernel.PromoteSecondaries(eth0.Index, "eth0"); err != nil {
		t.Fatal(err)
	}
	if got := promoted(t); got != "1" {
		t.Fatalf("promote_secondaries is %s", got)
	}
	return kernel
}

// TestSecondariesAfterCrash requires that the next start restores the setting of a link that a
// crashed run had changed, and records its own. A record that cannot be read, or that belongs to
// another link, prevents no start.
func TestSecondariesAfterCrash(t *testing.T) {
	cables(t)
	for _, c := range []struct{ spoil, want string }{
		{"", "0"}, {"nonsense\n\x00\n", "0"}, {"another link", "1"}, {"another namespace", "1"}, {"removed", "1"},
	} {
		dir := t.TempDir()
		crashed(t, dir)
		records, err := filepath.Glob(dir + "/netns-*.promoted")
		if err != nil || len(records) != 1 {
			t.Fatalf("records %q, %v", records, err)
		}
		text, err := os.ReadFile(records[0])
		if err != nil {
			t.Fatal(err)
		}
		switch c.spoil {
		case "removed":
			err = os.Remove(records[0])
		case "another link":
			err = os.WriteFile(records[0], append([]byte("1"), text...), 0o600)
		case "another namespace": // which had this inode before
			err = os.WriteFile(records[0], append(bytes.TrimSpace(text), "7\n"...), 0o600)
		default:
			err = os.WriteFile(records[0], append([]byte(c.spoil), text...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, func(o *daemon.Options) { o.Dir = dir })
		r.output.await(t, 1, "daemon.ready")
		r.lead()
		r.cancel()
		if err := r.end(); err != nil {
			t.Error(err)
		}
		if got := promoted(t); got != c.want {
			t.Errorf("with the record %q promote_secondaries is %s, want %s", c.spoil, got, c.want)
		}
		if left, _ := filepath.Glob(dir + "/*.promoted"); len(left) > 0 && c.want == "0" {
			t.Errorf("%q is left", left)
		}
	}
	dir := t.TempDir()
	crashed(t, dir) // as Backup: no address is left
	done, err := daemon.Clean(dir)
	if want := []string{"promote_secondaries of eth0"}; err != nil || len(done.Removed) > 0 || !slices.Equal(done.Restored, want) || promoted(t) != "0" {
		t.Errorf("clean: %q, %v, promote_secondaries is %s", done, err, promoted(t))
	}
}

// TestClean requires that Clean removes what bears the mark, needs no configuration, and does not
// disturb a daemon that runs.
func TestClean(t *testing.T) {
	cables(t)
	dir := t.TempDir()
	kernel := crashed(t, dir)
	eth0, err := net.InterfaceByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	var ops []addr.Op
	for _, prefix := range []string{"192.0.0.1/24", "192.0.0.2/32", "2001:db8::1/64"} {
		ops = append(ops, addr.Op{Index: eth0.Index, Address: addr.Address{Prefix: netip.MustParsePrefix(prefix), Interface: "eth0"}})
	}
	if err := kernel.AddBatch(ops); err != nil {
		t.Fatal(err)
	}
	ip(t, "addr add 192.0.0.3/24 dev eth0") // another program's address

	done, err := daemon.Clean(dir)
	slices.Sort(done.Removed)
	if want := []string{"192.0.0.1/24 on eth0", "192.0.0.2/32 on eth0", "2001:db8::1/64 on eth0"}; err != nil || !slices.Equal(done.Removed, want) {
		t.Errorf("removed %q, %v, want %q", done.Removed, err, want)
	}
	for prefix, want := range map[string]bool{"192.0.0.1/24": false, "2001:db8::1/64": false, "192.0.0.3/24": true, "192.0.0.11/24": true} {
		if holds(t, "eth0", prefix) != want {
			t.Errorf("%s exists: %t, want %t", prefix, !want, want)
		}
	}
	if got := promoted(t); got != "0" {
		t.Errorf("after clean promote_secondaries is %s", got)
	}
	if done, err := daemon.Clean(dir); err != nil || !done.Nothing() {
		t.Errorf("a second Clean: %q, %v", done, err)
	}

	inside := listen(t, "far0")
	r := run(t, func(*daemon.Options) {})
	r.lead(inside)
	if done, err := daemon.Clean(dir); !errors.Is(err, daemon.ErrRunning) || !done.Nothing() || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("beside a daemon: %q, %v", done, err)
	}
	r.lead(inside) // nothing was taken from the daemon
	r.cancel()
	if err := r.end(inside); err != nil {
		t.Error(err)
	}
}
