package addr

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

var ip = netns.IP

var cables atomic.Int32

// cable makes a veth, up at both ends, and returns the names of its ends.
func cable(t testing.TB) (near, far string) {
	t.Helper()
	netns.Need(t)
	n := cables.Add(1)
	near, far = fmt.Sprintf("near%d", n), fmt.Sprintf("far%d", n)
	ip(t, "link", "add", near, "type", "veth", "peer", "name", far)
	for _, name := range []string{near, far} {
		ip(t, "link", "set", name, "addrgenmode", "none")
		ip(t, "link", "set", name, "up")
	}
	t.Cleanup(func() { ip(t, "link", "del", near) })
	netns.Running(t, near, far)
	return near, far
}

func kernel(t testing.TB) LinuxKernel {
	t.Helper()
	k, err := OpenKernel(t.TempDir() + "/addresses")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func indexOf(t testing.TB, name string) int {
	t.Helper()
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link.Index
}

// on lists the addresses of a link, ours with a star.
func on(t testing.TB, k Kernel, index int) []string {
	t.Helper()
	all, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		if s.Index == index {
			out = append(out, s.Prefix.String()+map[bool]string{true: "*"}[s.Marked])
		}
	}
	slices.Sort(out)
	return out
}

func batchOf(index int, link, first string, n int) []Op {
	p := netip.MustParsePrefix(first)
	var ops []Op
	for a := p.Addr(); len(ops) < n; a = a.Next() {
		ops = append(ops, Op{Index: index, Address: Address{Prefix: netip.PrefixFrom(a, p.Bits()), Interface: link}})
	}
	return ops
}
