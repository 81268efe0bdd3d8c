package neigh

import (
	"fmt"
	"net/netip"
	"testing"
)

const eth0 = 7

var (
	own4, own6   = netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::11")
	host4, host6 = netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("fe80::12")
	vip4, vip6   = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
)

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
