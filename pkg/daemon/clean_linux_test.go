package daemon_test

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/addr"
	"ripcord/pkg/daemon"
)

// Clean removes what bears the mark, knows no configuration, and lets a daemon that
// runs alone.
func TestClean(t *testing.T) {
	cables(t)
	dir := t.TempDir()
	kernel, err := addr.OpenKernel(filepath.Join(dir, "addresses"))
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
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
	ip(t, "addr add 192.0.0.3/24 dev eth0") // somebody else's

	removed, err := daemon.Clean(dir)
	slices.Sort(removed)
	if want := []string{"192.0.0.1/24 on eth0", "192.0.0.2/32 on eth0", "2001:db8::1/64 on eth0"}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, %v, want %q", removed, err, want)
	}
	for prefix, want := range map[string]bool{"192.0.0.1/24": false, "2001:db8::1/64": false, "192.0.0.3/24": true, "192.0.0.11/24": true} {
		if holds(t, "eth0", prefix) != want {
			t.Errorf("%s is there: %t, want %t", prefix, !want, want)
		}
	}
	if removed, err := daemon.Clean(dir); err != nil || len(removed) > 0 {
		t.Errorf("a second time: removed %q, %v", removed, err)
	}

	inside := listen(t, "far0")
	r := run(t, func(*daemon.Options) {})
	r.lead(inside)
	if removed, err := daemon.Clean(dir); !errors.Is(err, daemon.ErrRunning) || len(removed) > 0 || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("beside a daemon: removed %q, %v", removed, err)
	}
	r.lead(inside) // nothing was taken from it
	r.cancel()
	if err := r.end(inside); err != nil {
		t.Error(err)
	}
}
