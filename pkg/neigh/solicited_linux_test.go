package neigh

import (
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ripcord/pkg/event"
)

// TestSolicitedGroups requires that the groups of IPv6 addresses are joined once each, by index and
// group, and left again, and that a link that was made again with its index can be joined again.
func TestSolicitedGroups(t *testing.T) {
	near, far := cable(t)
	index := indexOf(t, near)
	groups, err := OpenSolicitedGroups()
	if err != nil {
		t.Fatal(err)
	}
	defer groups.Close()
	key := func(prefix string) []event.AddressKey {
		return []event.AddressKey{{Index: index, Prefix: netip.MustParsePrefix(prefix)}}
	}
	one, same, four := key("2001:db8:1::51:1/64"), key("fe80::51:1/64"), key("192.0.2.1/24")
	groups.Join(slices.Values(one))
	groups.Join(slices.Values(four))
	expect(t, "members after one address", members(t, near), 1)
	groups.Leave(slices.Values(same))
	expect(t, "members after leaving the same group", members(t, near), 0)

	groups.Join(slices.Values(one))
	ip(t, "link", "del", near)
	ip(t, "link", "add", near, "index", strconv.Itoa(index), "type", "veth", "peer", "name", far)
	ip(t, "link", "set", near, "up")
	groups.Leave(slices.Values(one))
	groups.Join(slices.Values(one))
	expect(t, "members on a link that was made again", members(t, near), 1)

	var none *SolicitedGroups
	none.Join(slices.Values(one))
	none.Leave(slices.Values(one))
	expect(t, "closing none", none.Close(), nil)
}

// members returns the number of members of the group of addresses that end in 51:1.
func members(t *testing.T, link string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/net/igmp6") // index, name, group, members, …
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == link && f[2] == "ff0200000000000000000001ff510001" {
			n, _ := strconv.Atoi(f[3])
			return n
		}
	}
	return 0
}
