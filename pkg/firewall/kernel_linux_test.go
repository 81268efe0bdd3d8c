package firewall

import (
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/rtnl/rtnltest"
	"ripcord/test/netns"
)

var refused = []Destination{
	{Addr: netip.MustParseAddr("192.0.2.1")}, {Addr: netip.MustParseAddr("192.0.2.2")},
	{Addr: netip.MustParseAddr("2001:db8::1")}, {Addr: netip.MustParseAddr("fe80::1"), Interface: "eth0"},
}

func TestMain(m *testing.M) { netns.Main(m) }

// TestFirewallThatIsNotThere: a kernel without nf_tables answers a transaction once, at its first
// message, and a question with EINVAL: the client must not wait longer for either.
func TestFirewallThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
			errno := unix.EINVAL
			if requests[0].Header.Type == unix.NFNL_MSG_BATCH_BEGIN {
				errno = unix.EOPNOTSUPP
			}
			return []rtnltest.Datagram{{Messages: []netlink.Message{rtnltest.Ack(requests[0], errno)}}}
		}}
		f, err := openKernel(rtnl.Config{Open: k.Open, Timeout: answerWithin})
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range [][]Destination{nil, refused} {
			start := time.Now()
			if err := f.Drop(all); !errors.Is(err, ErrNone) || time.Since(start) > 0 {
				t.Errorf("Drop of %d: %v after %v", len(all), err, time.Since(start))
			}
		}
	})
}

// TestFirewallThatAnswersLate requires that an unanswered transaction fails after a while, and that
// a late answer does not affect a later one.
func TestFirewallThatAnswersLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := answerWithin + time.Second
		k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
			errno := unix.Errno(0)
			if requests[0].Header.Type != unix.NFNL_MSG_BATCH_BEGIN {
				errno = unix.ENOENT
			}
			last := requests[max(0, len(requests)-2)]
			d := rtnltest.Datagram{After: after, Messages: []netlink.Message{rtnltest.Ack(last, errno)}}
			after = 0
			return []rtnltest.Datagram{d}
		}}
		f, err := openKernel(rtnl.Config{Open: k.Open, Timeout: answerWithin})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Drop(refused); !errors.Is(err, rtnl.ErrUnknown) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if err := f.Drop(refused); err != nil {
			t.Errorf("the next transaction: %v", err)
		}
		if err := f.Drop(nil); err != nil {
			t.Errorf("a table that does not exist could not be removed: %v", err)
		}
	})
}

func TestFirewallInTheKernel(t *testing.T) {
	netns.Need(t)
	program, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("nft is not installed")
	}
	nft := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("nft %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	f, err := OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stands := func() bool {
		t.Helper()
		stands, err := f.Stands()
		if err != nil {
			t.Fatal(err)
		}
		return stands
	}
	if err := f.Drop(nil); err != nil {
		t.Error(err)
	}
	many := refused
	for a := netip.MustParseAddr("10.0.0.1"); len(many) < 1500; a = a.Next() {
		many = append(many, Destination{Addr: a})
	}
	for _, all := range [][]Destination{refused, many, refused} {
		if err := f.Drop(all); err != nil {
			t.Fatal(err)
		}
		if !stands() {
			t.Errorf("the table just made of %d addresses counts as changed", len(all))
		}
	}
	list := nft("list", "table", "inet", "ripcord")
	for _, want := range []string{
		"priority filter - 1; policy accept;", "192.0.2.1, 192.0.2.2", "2001:db8::1",
		`iifname "eth0" ip6 daddr fe80::1 drop`, "icmpv6 type nd-neighbor-solicit accept", "ip daddr @ipv4 drop", "ip6 daddr @ipv6 drop",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in\n%s", want, list)
		}
	}
	for _, change := range []string{
		"delete element inet ripcord ipv4 { 192.0.2.1 }",
		"add table inet ripcord { flags dormant; }",
		"flush chain inet ripcord input",
		"insert rule inet ripcord input accept",
		"add table inet another; delete table inet another; delete table inet ripcord",
		"flush ruleset",
	} {
		nft(change)
		if stands() {
			t.Errorf("after nft %q the table counts as unchanged", change)
		}
		if err := f.Drop(refused); err != nil || !stands() {
			t.Errorf("after nft %q: %v", change, err)
		}
	}
	nft("add table inet another; delete table inet another")
	if !stands() {
		t.Error("after a change by another program the table counts as changed")
	}
	if err := f.Drop(nil); err != nil {
		t.Error(err)
	}
	if got := nft("list", "ruleset"); got != "" {
		t.Errorf("left:\n%s", got)
	}
}
