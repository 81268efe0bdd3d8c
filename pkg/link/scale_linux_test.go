package link

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// many is the number of links and addresses that a machine with containers may have.
const many = 20_000

// busy returns the CPU time of this thread: other work on the machine does not count.
func busy() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// slowest takes the CPU time of each of n observations, and returns the longest and the sum.
func slowest(t *Table, n int, observe func(i int) Observation) (longest, total time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	at := time.Unix(0, 0)
	for i := range n {
		o := observe(i)
		begun := busy()
		t.Observe(o, at.Add(time.Duration(i)*time.Millisecond))
		took := busy() - begun
		longest, total = max(longest, took), total+took
	}
	return longest, total
}

// TestManyLinksAndAddresses requires that a change costs no more with many links or addresses, and
// a dump no more for each. Every bound is a multiple of the present time, and a fraction of the
// time when the work was quadratic.
func TestManyLinksAndAddresses(t *testing.T) {
	ipv4 := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 14), byte(i >> 7 & 0x7f), byte(i & 0x7f)}), 32)
	}
	var seen []Seen
	var addresses, onOne []Assigned
	for i := range many {
		parent := 0
		if i > 0 && i%2 == 0 {
			parent = 1 // half of them are VLANs on the first
		}
		seen = append(seen, up(i+1, fmt.Sprintf("v%d", i), on(parent)))
		addresses = append(addresses, Assigned{Index: i + 1, Prefix: ipv4(i)})
		onOne = append(onOne, Assigned{Index: 1, Prefix: netip.PrefixFrom(ipv4(i).Addr(), 16)})
	}
	all := func(reason Resync, links []Seen, list []Assigned) Observation {
		return Dump{Reason: reason, OfLinks: links != nil, OfAddresses: list != nil, Links: links, Addresses: list}
	}
	fresh := func(links []Seen, list []Assigned) *Table {
		table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"v0", "v1"}, Default: plain})
		table.Observe(all(Initial, links, list), time.Unix(0, 0))
		return table
	}
	for _, c := range []struct {
		what           string
		n              int
		table          func() *Table
		observe        func(i int) Observation
		longest, total time.Duration
	}{
		{"the first dump of all", 1, func() *Table {
			return NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"v0"}, Default: plain})
		},
			func(int) Observation { return all(Initial, seen, addresses) }, 0, 3 * time.Second},
		{"an audit that finds nothing", 2, func() *Table { return fresh(seen, addresses) },
			func(i int) Observation { return all(Audit, seen, addresses) }, 0, 2 * time.Second},
		{"an audit that finds nothing, sifted", 2, func() *Table { return fresh(seen, addresses) },
			func(i int) Observation {
				return Dump{Reason: Audit, OfLinks: true, OfAddresses: true, listed: listed(seen)}
			}, 0, 2 * time.Second},
		{"an audit that finds all gone", 1, func() *Table { return fresh(seen, addresses) },
			func(i int) Observation { return all(Audit, seen[:1], addresses[:1]) }, 0, 3 * time.Second},
		{"links that come", many - 1, func() *Table { return fresh(seen[:1], nil) },
			func(i int) Observation { return LinkSeen{seen[i+1]} }, 300 * time.Millisecond, 3 * time.Second},
		{"links that go", many - 1, func() *Table { return fresh(seen, nil) },
			func(i int) Observation { return LinkGone{Index: i + 2} }, 300 * time.Millisecond, 3 * time.Second},
		{"a link that is renamed", many, func() *Table { return fresh(seen, nil) },
			func(i int) Observation { return LinkSeen{up(5, fmt.Sprintf("name%d", i))} }, 300 * time.Millisecond, 3 * time.Second},
		{"addresses that come on a watched link", many, func() *Table { return fresh(seen[:1], nil) },
			func(i int) Observation { return AddressSeen{onOne[i]} }, 300 * time.Millisecond, 3 * time.Second},
		{"addresses that go from a watched link", many, func() *Table { return fresh(seen[:1], onOne) },
			func(i int) Observation { return AddressGone{onOne[i]} }, 300 * time.Millisecond, 3 * time.Second},
		{"the choice among the addresses of a watched link", 100, func() *Table { return fresh(seen[:1], onOne) },
			func(i int) Observation {
				if i%2 == 0 {
					return AddressGone{onOne[i]}
				}
				return Elapsed{}
			}, 300 * time.Millisecond, 3 * time.Second},
		{"the loss of the parent of half of them", 1, func() *Table { return fresh(seen, nil) },
			func(i int) Observation { return LinkSeen{up(1, "v0", noCarrier)} }, 0, 2 * time.Second},
	} {
		longest, total := slowest(c.table(), c.n, c.observe)
		t.Logf("%s: %v, the longest %v", c.what, total.Round(time.Microsecond), longest.Round(time.Microsecond))
		if c.longest > 0 && longest > c.longest || total > c.total {
			t.Errorf("%s took %v, the longest %v: does it grow with the square?", c.what, total, longest)
		}
	}
}

// listed is the result of sifting links of which nothing has changed.
func listed(seen []Seen) map[int]bool {
	all := make(map[int]bool)
	for _, s := range seen {
		all[s.Index] = true
	}
	return all
}

// TestManyWatched requires that the links to confirm and to poll are found without a look at each
// link.
func TestManyWatched(t *testing.T) {
	const watched = 2000
	var names []string
	var seen []Seen
	for i := range watched {
		names = append(names, fmt.Sprintf("v%d", i))
		seen = append(seen, up(i+2, names[i], on(1)))
	}
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: names, Default: plain})
	table.Observe(links(Initial, append(seen, up(1, "nic"))...), time.Unix(0, 0))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := busy()
	for range 10 {
		if n := len(table.Targets(nil, names)); n != watched+1 {
			t.Fatalf("%d targets", n)
		}
		if n := len(table.Underneath(nil, 0, names...)); n != watched+1 {
			t.Fatalf("%d to verify", n)
		}
		if n := len(table.Unexamined(nil)); n != watched+1 {
			t.Fatalf("%d unexamined", n)
		}
		table.Polls(nil)
		if n := len(table.Links(slices.Clone(names)...)); n != watched {
			t.Fatalf("%d listed", n)
		}
	}
	took := busy() - begun
	if t.Logf("ten rounds took %v", took); took > 2*time.Second {
		t.Errorf("ten rounds took %v: does it grow with the square?", took)
	}
}
