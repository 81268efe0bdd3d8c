package addr

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

func TestKernelBatches(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	for _, first := range []string{"10.0.0.1/16", "2001:db8::1/64"} {
		ops := batchOf(index, near, first, 600) // more than one sendmsg
		if err := k.PromoteSecondaries(index, near); err != nil {
			t.Fatal(err)
		}
		if err := k.AddBatch(ops); err != nil {
			t.Fatal(err)
		}
		got := on(t, k, index)
		if len(got) != len(ops) || !slices.Contains(got, first+"*") {
			t.Errorf("%d addresses of %d stand, the first: %v", len(got), len(ops), got[:1])
		}
		if err := k.RemoveBatch(ops); err != nil {
			t.Fatal(err)
		}
		if got := on(t, k, index); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	}
}

func TestKernelAttributes(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	ops := []Op{
		{Index: index, Address: Address{Prefix: vip4, Label: near + ":vip", Scope: unix.RT_SCOPE_LINK}},
		{Index: index, Address: Address{Prefix: netip.MustParsePrefix("198.51.100.1/24"), Broadcast: netip.MustParseAddr("198.51.100.255")}},
		{Index: index, Address: Address{Prefix: vip6}},
	}
	if err := k.AddBatch(ops); err != nil {
		t.Fatal(err)
	}
	out := ip(t, "addr", "show", near)
	for _, want := range []string{
		"inet 192.0.2.1/24 scope link " + near + ":vip", "inet 198.51.100.1/24 brd 198.51.100.255 scope global", "inet6 2001:db8::1/64 scope global nodad deprecated", "preferred_lft 0sec",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestKernelErrors(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	ip(t, "addr", "add", "10.0.0.2/24", "dev", near)
	for _, bad := range []int{0, 2} { // one in the middle, and the last
		ops := batchOf(index, near, "10.0.0.1/24", 3)
		ops[0], ops[1] = ops[1], ops[0] // 10.0.0.2 first
		ops[0], ops[bad] = ops[bad], ops[0]
		if err := k.AddBatch(ops); !errors.Is(err, unix.EEXIST) {
			t.Errorf("adding an existing address: %v", err)
		}
		if got, want := on(t, k, index), []string{"10.0.0.1/24*", "10.0.0.2/24", "10.0.0.3/24*"}; !slices.Equal(got, want) {
			t.Errorf("stand %v, want %v", got, want)
		}
		ops = slices.DeleteFunc(ops, func(op Op) bool { return op.Prefix.Addr() == netip.MustParseAddr("10.0.0.2") })
		if err := k.RemoveBatch(ops); err != nil {
			t.Error(err)
		}
	}
	if err := k.RemoveBatch(batchOf(index, near, "10.0.0.7/24", 1)); !errors.Is(err, unix.EADDRNOTAVAIL) {
		t.Errorf("removing an address that does not exist: %v", err)
	}
	// All of a large batch fail, and the socket can be used again.
	if err := k.AddBatch(batchOf(9999, near, "10.0.0.1/16", 1000)); !errors.Is(err, unix.ENODEV) {
		t.Errorf("adding to a link that does not exist: %v", err)
	}
	if err := k.AddBatch(batchOf(index, near, "10.0.0.9/24", 1)); err != nil {
		t.Error(err)
	}
}

func TestKernelUp(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	if !k.Up(index) {
		t.Error("a link that is up is reported down")
	}
	ip(t, "link", "set", near, "down")
	if k.Up(index) || k.Up(9999) {
		t.Error("a link that is down, or does not exist, is reported up")
	}
}

// TestRecordInsteadOfMark tests the record that replaces the mark before Linux 5.18; this kernel
// keeps the mark, but is not given it.
func TestRecordInsteadOfMark(t *testing.T) {
	near, _ := cable(t)
	index, path := indexOf(t, near), t.TempDir()+"/run/addresses"
	open := func() *recordKernel {
		k, err := openNetlink(rtnl.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		k.marked = false
		r, err := openRecord(k, path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	k := open()
	ip(t, "addr", "add", "10.0.0.2/24", "dev", near)
	if err := k.AddBatch(batchOf(index, near, "10.0.0.1/24", 3)); err == nil {
		t.Error("no error for the existing address")
	}
	want := []string{"10.0.0.1/24*", "10.0.0.2/24", "10.0.0.3/24*"}
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("stand %v, want %v", got, want)
	}
	k = open() // after a crash
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("after a crash %v, want %v", got, want)
	}
	if err := k.RemoveBatch(batchOf(index, near, "10.0.0.3/24", 1)); err != nil {
		t.Error(err)
	}
	ip(t, "addr", "add", "10.0.0.3/24", "dev", near) // now it is another program's
	want = []string{"10.0.0.1/24*", "10.0.0.2/24", "10.0.0.3/24"}
	if got := on(t, open(), index); !slices.Equal(got, want) {
		t.Errorf("after another program took it %v, want %v", got, want)
	}
}

func TestProbe(t *testing.T) {
	cable(t)
	k, err := openNetlink(rtnl.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if marks, err := k.probe(); err != nil || !marks {
		t.Errorf("a kernel that keeps the mark: %v, %v", marks, err)
	}
	k.protos, k.marked = false, false // as if the kernel ignored the attribute
	if got := on(t, k, 1); len(got) == 0 {
		if marks, err := k.probe(); err != nil || marks {
			t.Errorf("a kernel that does not keep the mark: %v, %v", marks, err)
		}
		if got := on(t, k, 1); len(got) != 0 {
			t.Errorf("the probe left %v on lo", got)
		}
	}
}

// BenchmarkBatch adds 250 addresses and removes them, the last first as the ledger does, and the
// first first for comparison.
func BenchmarkBatch(b *testing.B) {
	for _, order := range []string{"last-first", "first-first"} {
		for family, first := range map[string]string{"ipv4": "10.0.0.1/16", "ipv6": "2001:db8::1/64"} {
			b.Run(family+"/"+order, func(b *testing.B) { benchmarkBatch(b, first, order == "last-first") })
		}
	}
}

func benchmarkBatch(b *testing.B, first string, lastFirst bool) {
	near, _ := cable(b)
	k := kernel(b)
	adds := batchOf(indexOf(b, near), near, first, 250)
	removes := slices.Clone(adds)
	if lastFirst {
		slices.Reverse(removes)
	}
	if err := k.PromoteSecondaries(adds[0].Index, near); err != nil {
		b.Fatal(err)
	}
	var adding, removing, listing time.Duration
	timed := func(sum *time.Duration, do func() error) {
		start := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		*sum += time.Since(start)
	}
	for b.Loop() {
		timed(&adding, func() error { return k.AddBatch(adds) })
		timed(&listing, func() error { _, err := k.List(); return err })
		timed(&removing, func() error { return k.RemoveBatch(removes) })
	}
	b.ReportMetric(float64(adding.Microseconds())/float64(b.N), "µs/add")
	b.ReportMetric(float64(listing.Microseconds())/float64(b.N), "µs/list")
	b.ReportMetric(float64(removing.Microseconds())/float64(b.N), "µs/remove")
}

// TestMarkAgainInTheKernel: an address that was re-applied (`ip address replace`) has lost its
// mark, and gets it back without ever being absent.
func TestMarkAgainInTheKernel(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	ops := []Op{{Index: index, Address: Address{Prefix: vip4}}, {Index: index, Address: Address{Prefix: vip6}}}
	if err := k.AddBatch(ops); err != nil {
		t.Fatal(err)
	}
	want := on(t, k, index)
	for _, op := range ops {
		ip(t, "address", "replace", op.Prefix.String(), "dev", near)
	}
	if got := on(t, k, index); slices.Equal(got, want) {
		t.Fatalf("%v: replacing removes no mark on this kernel, so the test proves nothing", got)
	}
	if err := k.Mark(ops); err != nil {
		t.Fatal(err)
	}
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("after marking: %v, want %v", got, want)
	}
	if text := ip(t, "-6", "address", "show", "dev", near); !strings.Contains(text, "preferred_lft 0sec") {
		t.Errorf("the address may be the source of the router's own traffic: %s", text)
	}
}

// TestRouteBehindOthers: the route of an address on a device has a worse metric than those of the
// links below.
func TestRouteBehindOthers(t *testing.T) {
	near, _ := cable(t)
	k := kernel(t)
	if err := k.AddBatch([]Op{{Index: indexOf(t, near), Address: Address{Prefix: netip.MustParsePrefix("10.7.0.1/24")}, Behind: true}}); err != nil {
		t.Fatal(err)
	}
	if text := ip(t, "route", "show", "dev", near); !strings.Contains(text, "metric 1048576") {
		t.Errorf("the route is: %s", text)
	}
}
