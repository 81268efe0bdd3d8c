package daemon

import (
	"net/netip"
	"slices"
	"testing"

	"ripcord/pkg/rtnl"
	"ripcord/test/netns"
)

// TestOwnAddresses requires that the primary address of a link is an own address, and that those of
// a daemon are not: secondary ones, those alone in their network, and those with a mark.
func TestOwnAddresses(t *testing.T) {
	netns.Need(t)
	near, _ := netns.Cable(t)
	for _, a := range []string{"192.0.2.11/24", "192.0.2.130/24", "192.0.2.131/32"} {
		netns.IP(t, "address add dev", near, a)
	}
	if got, want := ownAddresses(), (ownAddress{near, netip.MustParseAddr("192.0.2.11")}); !slices.Contains(got, want) || slices.ContainsFunc(got, func(a ownAddress) bool { return a.link == near && a != want }) {
		t.Errorf("%v, want only %v", got, want)
	}
	if marked := (rtnl.Address{Prefix: netip.MustParsePrefix("192.0.2.11/24"), Protocol: rtnl.Mark}); isOwn(marked) {
		t.Error("an address with a mark counts as an own address")
	}
}
