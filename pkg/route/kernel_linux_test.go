package route

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/test/netns"
)

var (
	vip4 = netip.MustParsePrefix("192.0.2.1/24")
	vip6 = netip.MustParsePrefix("2001:db8::1/64")
)

func TestMain(m *testing.M) { netns.Main(m) }

var ip = netns.IP

func openKernel(t testing.TB) *LinuxKernel {
	t.Helper()
	k, err := OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// entriesOf returns routes and rules of both families over a link that has vip4 and vip6.
func entriesOf(link string) []Entry {
	return []Entry{
		Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: link, Table: MainTable},
		Route{To: netip.MustParsePrefix("10.0.0.0/8"), Interface: link, Table: 1000, Metric: 5, Source: vip4.Addr()},
		Route{To: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr("2001:db8::fe"), Interface: link, Table: MainTable},
		Route{To: netip.MustParsePrefix("2001:db8:1::/48"), Interface: link, Table: MainTable, Metric: 7, Source: vip6.Addr()},
		Route{To: netip.MustParsePrefix("10.2.0.0/16"), Table: 1000, Type: Blackhole},
		Route{To: netip.MustParsePrefix("0.0.0.0/0"), Table: 1000, Metric: 9, Type: Unreachable},
		Route{To: netip.MustParsePrefix("2001:db8:3::/48"), Table: 1000, Metric: 7, Type: Prohibit},
		Route{To: netip.MustParsePrefix("10.3.0.0/16"), Interface: link, Table: 1000, Scope: 0, Scoped: true},
		Route{To: netip.MustParsePrefix("10.4.0.0/16"), Via: netip.MustParseAddr("192.0.2.254"), Interface: link, Table: 1000, Scope: 200, Scoped: true},
		Route{To: netip.MustParsePrefix("10.5.0.0/16"), Interface: link, Table: 1000, Scope: 42, Scoped: true},
		Route{To: netip.MustParsePrefix("10.6.0.0/16"), Table: 1000, Type: Throw},
		Route{To: netip.MustParsePrefix("10.12.0.0/16"), Via: netip.MustParseAddr("192.0.2.254"), Table: 1000},
		Route{To: netip.MustParsePrefix("2001:db8:11::/48"), Via: netip.MustParseAddr("2001:db8::fe"), Table: 1000, Metric: 8},
		Route{To: netip.MustParsePrefix("10.7.0.1/32"), Interface: link, Table: 1000, Type: Local},
		Route{To: netip.MustParsePrefix("10.8.0.255/32"), Interface: link, Table: 1000, Type: Broadcast},
		Route{To: netip.MustParsePrefix("10.9.0.0/16"), Via: netip.MustParseAddr("203.0.113.9"), Interface: link, Table: 1000, OnLink: true},
		Route{To: netip.MustParsePrefix("10.9.0.0/16"), Via: netip.MustParseAddr("192.0.2.254"), Interface: link, Table: 1000, TOS: 0x10},
		Route{To: netip.MustParsePrefix("10.10.0.0/16"), Via: netip.MustParseAddr("192.0.2.254"), Interface: link, Table: 1000, Metrics: testMetrics()},
		Route{To: netip.MustParsePrefix("10.11.0.0/16"), Table: 1000, Hops: []Hop{
			{Via: netip.MustParseAddr("192.0.2.253"), Interface: link}, {Via: netip.MustParseAddr("203.0.113.8"), Interface: link, Weight: 3, OnLink: true},
		}},
		Route{To: netip.MustParsePrefix("2001:db8:4::/48"), Table: 1000, Metric: 8, Hops: []Hop{
			{Via: netip.MustParseAddr("2001:db8::fd"), Interface: link}, {Via: netip.MustParseAddr("2001:db8::fe"), Interface: link, Weight: 2},
		}},
		Route{To: netip.MustParsePrefix("2001:db8:5::/48"), Via: netip.MustParseAddr("2001:db8::fe"), Interface: link, Table: 1000, Metric: 8, Preference: 1, Preferred: true},
		Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.1.0.0/16"), Iif: link, Fwmark: 1, Mask: 0xff, Table: 1000, Priority: 500},
		Rule{Family: event.IPv4, Not: true, From: netip.MustParsePrefix("10.2.0.0/16"), Oif: link, TOS: 0x10, Table: 1000, Priority: 502},
		Rule{Family: event.IPv4, Protocol: 6, Sport: Range{1024, 2047}, Dport: Range{80, 80}, Table: 1000, Priority: 503},
		Rule{Family: event.IPv4, UIDs: Range{0, 999}, HasUIDs: true, Table: MainTable, HasSuppress: true, Priority: 504},
		Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.3.0.0/16"), Action: DropTraffic, Priority: 505},
		Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.4.0.0/16"), Action: RefuseTraffic, Priority: 506},
		Rule{Family: event.IPv6, From: netip.MustParsePrefix("2001:db8:6::/48"), Action: ProhibitTraffic, Priority: 507},
		Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.5.0.0/16"), Action: Goto, Goto: 510, Priority: 508},
		Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.6.0.0/16"), Action: GoOn, Priority: 510},
		Rule{Family: event.IPv6, To: netip.MustParsePrefix("2001:db8:2::/48"), Table: 1000, Priority: 501},
	}
}

func testMetrics() (m Metrics) {
	m.Set(2, 1400)
	m.Lock(2)
	m.Set(8, 1360)
	m.Set(11, 10)
	m.SetCongestion("reno")
	return m
}

// texts lists the entries with the mark.
func texts(t testing.TB, k *LinuxKernel) []string {
	t.Helper()
	all, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, op := range all {
		out = append(out, op.String())
	}
	slices.Sort(out)
	return out
}

func TestRoutingInTheKernel(t *testing.T) {
	near, _ := netns.Cable(t)
	r, index := openKernel(t), netns.Index(t, near)
	ip(t, "addr", "add", vip4.String(), "dev", near)
	ip(t, "addr", "add", vip6.String(), "dev", near, "nodad")
	var ops []Op
	for _, w := range entriesOf(near) {
		op := Op{Entry: w}
		if r, ok := w.(Route); ok && r.Interface != "" {
			op.Index = index
		} else if ok && len(r.Hops) > 0 {
			op.Hops = []int{index, index}
		}
		ops = append(ops, op)
	}
	if err := errors.Join(r.Add(ops)...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"route", "default via 192.0.2.254 dev " + near + " proto 112"},
		{"route show table 1000", "10.0.0.0/8 dev " + near + " proto 112 scope link src 192.0.2.1 metric 5"},
		{"route show table 1000", "blackhole 10.2.0.0/16 proto 112"},
		{"route show table 1000", "unreachable default proto 112 metric 9"},
		{"-6 route show table 1000", "prohibit 2001:db8:3::/48 dev lo proto 112 metric 7"},
		{"route show table 1000", "10.3.0.0/16 dev " + near + " proto 112 \n"},
		{"route show table 1000", "10.4.0.0/16 via 192.0.2.254 dev " + near + " proto 112 scope site"},
		{"route show table 1000", "10.5.0.0/16 dev " + near + " proto 112 scope 42"},
		{"route show table 1000", "throw 10.6.0.0/16 proto 112"},
		{"route show table 1000", "local 10.7.0.1 dev " + near + " proto 112 scope host"},
		{"route show table 1000", "broadcast 10.8.0.255 dev " + near + " proto 112 scope link"},
		{"route show table 1000", "10.9.0.0/16 via 203.0.113.9 dev " + near + " proto 112 onlink"},
		{"route show table 1000", "10.9.0.0/16 tos 0x10 via 192.0.2.254 dev " + near + " proto 112"},
		{"route show table 1000", "10.10.0.0/16 via 192.0.2.254 dev " + near + " proto 112 mtu lock 1400 advmss 1360 initcwnd 10 congctl reno"},
		{"route show table 1000", "10.11.0.0/16 proto 112 \n\tnexthop via 192.0.2.253 dev " + near + " weight 1 \n\tnexthop via 203.0.113.8 dev " + near + " weight 3 onlink"},
		{"-6 route show table 1000", "2001:db8:4::/48 proto 112 metric 8 pref medium\n\tnexthop via 2001:db8::fd dev " + near + " weight 1 \n\tnexthop via 2001:db8::fe dev " + near + " weight 2"},
		{"-6 route show table 1000", "2001:db8:5::/48 via 2001:db8::fe dev " + near + " proto 112 metric 8 pref high"},
		{"rule", "502:	not from 10.2.0.0/16 tos 0x10 oif " + near + " lookup 1000 proto 112"},
		{"rule", "503:	from all ipproto tcp sport 1024-2047 dport 80 lookup 1000 proto 112"},
		{"rule", "504:	from all uidrange 0-999 lookup main suppress_prefixlength 0 proto 112"},
		{"rule", "505:	from 10.3.0.0/16 blackhole proto 112"},
		{"rule", "506:	from 10.4.0.0/16 unreachable proto 112"},
		{"-6 rule", "507:	from 2001:db8:6::/48 prohibit proto 112"},
		{"rule", "508:	from 10.5.0.0/16 goto 510 proto 112"},
		{"rule", "510:	from 10.6.0.0/16 nop proto 112"},
		{"-6 route", "default via 2001:db8::fe dev " + near + " proto 112 metric 1024"},
		{"-6 route", "2001:db8:1::/48 dev " + near + " proto 112 src 2001:db8::1 metric 7"},
		{"rule", "500:	from 10.1.0.0/16 fwmark 0x1/0xff iif " + near + " lookup 1000 proto 112"},
		{"-6 rule", "501:	from all to 2001:db8:2::/48 lookup 1000 proto 112"},
	} {
		if got := ip(t, strings.Fields(c.args)...); !strings.Contains(got, c.want) {
			t.Errorf("ip %s has no %q:\n%s", c.args, c.want, got)
		}
	}
	for i, err := range r.Add(ops) {
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s a second time: %v", ops[i], err)
		}
	}
	var want []string
	for i, op := range ops {
		if r, ok := op.Entry.(Route); ok {
			// Attributes that a removal does not need are not listed.
			r.Scope, r.Scoped, r.OnLink, r.Metrics, r.Preferred, r.Preference = 0, false, false, Metrics{}, false, 0
			if r.Via.IsValid() {
				r.Interface = near // the kernel's choice, too
			}
			r.Hops = slices.Clone(r.Hops)
			for n := range r.Hops {
				r.Hops[n].OnLink = false
			}
			op.Entry = r
		}
		want = append(want, op.String())
		if i == 2 {
			want[i] += " metric 1024"
		}
	}
	slices.Sort(want)
	if got := texts(t, r); !slices.Equal(got, want) {
		t.Errorf("listed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	left, err := r.List() // as a killed run leaves them
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Remove(left)...); err != nil {
		t.Error(err)
	}
	if got := texts(t, r); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if err := errors.Join(append(r.Add(ops), r.Remove(ops)...)...); err != nil {
		t.Error(err)
	}
	for i, err := range r.Remove(ops) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removing %s, which does not exist: %v", ops[i], err)
		}
	}
}

// TestRoutesOfOthersInTheKernel requires that entries of others in the same place are not added to,
// replaced or removed.
func TestRoutesOfOthersInTheKernel(t *testing.T) {
	near, _ := netns.Cable(t)
	r, index := openKernel(t), netns.Index(t, near)
	ip(t, "addr", "add", "192.0.2.1/24", "dev", near)
	ip(t, "addr", "add", "2001:db8::1/64", "dev", near, "nodad")
	theirs := [][]string{
		{"route", "default via 192.0.2.9 dev " + near + " metric 5"},
		{"-6 route", "default via 2001:db8::9 dev " + near + " metric 5"},
		{"rule", "from 10.0.0.0/8 lookup 100 priority 500"},
	}
	for _, x := range theirs {
		add := append(strings.Fields(x[0]), "add")
		ip(t, append(add, strings.Fields(x[1])...)...)
	}
	ops := []Op{
		{Entry: Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Table: MainTable, Metric: 5}, Index: index},
		{Entry: Route{To: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr("2001:db8::9"), Table: MainTable, Metric: 5}, Index: index},
		{Entry: Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, Priority: 500}},
	}
	for i, err := range r.Add(ops) {
		// A rule of ours exists beside theirs, with the same effect.
		if _, rule := ops[i].Entry.(Rule); !rule && !errors.Is(err, fs.ErrExist) || rule && err != nil {
			t.Errorf("%s: %v", ops[i], err)
		}
	}
	for i, err := range r.Remove(ops) {
		if _, rule := ops[i].Entry.(Rule); !rule && !errors.Is(err, fs.ErrNotExist) || rule && err != nil {
			t.Errorf("removing %s: %v", ops[i], err)
		}
	}
	if got := texts(t, r); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	for args, want := range map[string]string{"route": "via 192.0.2.9", "-6 route": "via 2001:db8::9", "rule": "from 10.0.0.0/8 lookup 100"} {
		if got := ip(t, strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%q is gone:\n%s", want, got)
		}
	}
	ip(t, "rule", "del", "priority", "500")
}

// TestListBesideOthers requires that configuration by other programs, and attributes of newer
// kernels, do not prevent listing ours: since Linux 6.15 a rule with a port has an attribute that
// made the whole list unreadable.
func TestListBesideOthers(t *testing.T) {
	near, _ := netns.Cable(t)
	r, index := openKernel(t), netns.Index(t, near)
	for _, args := range []string{
		"rule add ipproto tcp dport 22 table 100", "-6 rule add ipproto tcp sport 1-1024 dport 22 table 100",
		"rule add realms 5 table 100 protocol 112", // is not ours: it selects realms
		"addr add 192.0.2.7/24 dev " + near, "addr add 192.0.2.8 peer 203.0.113.8 dev " + near,
		"route add 10.7.0.0/16 encap mpls 100 via 192.0.2.9", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev " + near, "link property add dev " + near + " altname a-rather-long-other-name",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Logf("this machine cannot ip %s: %s", args, out)
		}
	}
	t.Cleanup(func() { // entries that are not on the link
		for _, args := range []string{"rule flush table 100", "-6 rule flush table 100"} {
			ip(t, strings.Fields(args)...)
		}
	})
	ours := Op{Entry: Route{To: netip.MustParsePrefix("10.9.0.0/16"), Via: netip.MustParseAddr("192.0.2.9"), Interface: near, Table: MainTable}, Index: index}
	if err := errors.Join(r.Add([]Op{ours})...); err != nil {
		t.Fatal(err)
	}
	if got, want := texts(t, r), []string{ours.String()}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if errs := r.Remove([]Op{ours}); errs[0] != nil {
		t.Error(errs[0])
	}
}

func TestRoutesTheKernelRefuses(t *testing.T) {
	near, _ := netns.Cable(t)
	r, index := openKernel(t), netns.Index(t, near)
	ip(t, "addr", "add", "192.0.2.1/24", "dev", near)
	route := func(to, via string) Op {
		return Op{Entry: Route{To: netip.MustParsePrefix(to), Via: netip.MustParseAddr(via), Table: MainTable}, Index: index}
	}
	errs := r.Add([]Op{route("10.1.0.0/16", "192.0.2.9"), route("10.2.0.0/16", "203.0.113.9"), route("10.3.0.0/16", "192.0.2.9")})
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("the gateway of the second does not exist, and the answers are %v", errs)
	}
	t.Logf("the kernel's answer: %v", errs[1])
}

// BenchmarkRoutes adds 250 routes beside 250 addresses, asks for them, and removes them.
func BenchmarkRoutes(b *testing.B) {
	near, _ := netns.Cable(b)
	r, index := openKernel(b), netns.Index(b, near)
	for i := range 250 {
		ip(b, "addr", "add", fmt.Sprintf("10.0.0.%d/16", i+1), "dev", near)
	}
	var ops []Op
	for i := range 250 {
		ops = append(ops, Op{Entry: Route{
			To: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i), 0}), 24), Via: netip.MustParseAddr("10.0.9.9"), Table: MainTable,
			Source: netip.MustParseAddr("10.0.0.7"),
		}, Index: index})
	}
	var adding, asking, removing time.Duration
	timed := func(sum *time.Duration, do func() []error, want error) {
		start := time.Now()
		errs := do()
		*sum += time.Since(start)
		for _, err := range errs {
			if !errors.Is(err, want) {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		timed(&adding, func() []error { return r.Add(ops) }, nil)
		timed(&asking, func() []error { return r.Add(ops) }, fs.ErrExist)
		timed(&removing, func() []error { return r.Remove(ops) }, nil)
	}
	b.ReportMetric(float64(adding.Microseconds())/float64(b.N), "µs/add")
	b.ReportMetric(float64(asking.Microseconds())/float64(b.N), "µs/ask")
	b.ReportMetric(float64(removing.Microseconds())/float64(b.N), "µs/remove")
}

// TestReplacedRouteInTheKernel requires that `ip route replace` by a person is noticed, and that
// ours is restored.
func TestReplacedRouteInTheKernel(t *testing.T) {
	near, _ := netns.Cable(t)
	r, index := openKernel(t), netns.Index(t, near)
	ip(t, "addr", "add", "192.0.2.1/24", "dev", near)
	ip(t, "addr", "add", "2001:db8::1/64", "dev", near, "nodad")
	heard := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Watch(ctx, func() { heard <- struct{}{} }); close(done) }()
	defer func() { cancel(); <-done }()
	<-heard // the watch listens
	for _, w := range []Route{
		{To: netip.MustParsePrefix("203.0.113.0/24"), Via: netip.MustParseAddr("192.0.2.9"), Interface: near, Table: MainTable},
		{To: netip.MustParsePrefix("2001:db8:9::/48"), Via: netip.MustParseAddr("2001:db8::9"), Interface: near, Table: MainTable},
	} {
		ops := []Op{{Entry: w, Index: index}}
		if err := errors.Join(r.Add(ops)...); err != nil {
			t.Fatal(err)
		}
		via := map[bool]string{true: "192.0.2.7", false: "2001:db8::7"}[w.To.Addr().Is4()]
		ip(t, "route", "replace", w.To.String(), "via", via, "dev", near)
		select {
		case <-heard:
		case <-time.After(5 * time.Second):
			t.Errorf("no notification that %s was replaced", w)
		}
		marked, err := r.List()
		if err != nil || standsAmong(w, marked) {
			t.Errorf("%s was replaced, and is among %v (%v)", w, marked, err)
		}
		if err := errors.Join(r.Replace(ops)...); err != nil {
			t.Fatal(err)
		}
		if marked, err = r.List(); err != nil || !standsAmong(w, marked) {
			t.Errorf("%s was restored, and is not among %v (%v)", w, marked, err)
		}
		if err := errors.Join(r.Remove(ops)...); err != nil {
			t.Error(err)
		}
		if err := errors.Join(r.Remove(ops)...); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a second removal of %s: %v", w, err)
		}
		if text := ip(t, "route", "show", "table", "all"); strings.Contains(text, via) {
			t.Errorf("theirs is left beside ours:\n%s", text)
		}
	}
}
