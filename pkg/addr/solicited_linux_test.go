package addr

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSolicitedNodeGroups requires that a question for an IPv6 address of ours is received from the
// moment when the address exists (RFC 9568 §6.4.2): we are a member of its group beside the kernel,
// also if another address shares the group, and on a link that was made again with the same index.
// The membership ends with the last address.
func TestSolicitedNodeGroups(t *testing.T) {
	near, far := cable(t)
	k := kernel(t)
	one, other := batchOf(indexOf(t, near), near, "2001:db8:1::51:1/64", 1), batchOf(indexOf(t, near), near, "fe80::51:1/64", 1)
	if err := k.AddBatch(one); err != nil {
		t.Fatal(err)
	}
	if n := members(t, near); n == 0 {
		t.Error("the group has no member when the address exists")
	}
	until := func(what string, want int) {
		t.Helper()
		for begun := time.Now(); members(t, near) != want; time.Sleep(time.Millisecond) { // the kernel's own memberships come late
			if time.Since(begun) > 5*time.Second {
				t.Fatalf("%s: %d members, want %d", what, members(t, near), want)
			}
		}
	}
	until("one address", 2)
	if err := k.AddBatch(other); err != nil {
		t.Fatal(err)
	}
	until("two addresses", 3)

	index := strconv.Itoa(indexOf(t, near))
	ip(t, "link", "del", near)
	ip(t, "link", "add", near, "index", index, "type", "veth", "peer", "name", far)
	ip(t, "link", "set", near, "up")
	if err := k.AddBatch(one); err != nil {
		t.Fatal(err)
	}
	until("the link was made again", 2)
	if err := k.RemoveBatch(one); err != nil {
		t.Fatal(err)
	}
	until("no address", 0)
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
