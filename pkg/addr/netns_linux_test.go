package addr

import (
	"net/netip"
	"slices"
	"testing"

	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

var (
	ip      = netns.IP
	cable   = netns.Cable
	indexOf = netns.Index
)

func kernel(t testing.TB) LinuxKernel {
	t.Helper()
	k, err := OpenKernel(t.TempDir() + "/addresses")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
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
