package heard

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// TestUnresigned checks that an advert of the best Active removes the others, that an Active that
// resigns is removed alone, and that the last one heard is the last of the list.
func TestUnresigned(t *testing.T) {
	var u Unresigned
	sources := func() (list []netip.Addr) {
		for _, a := range u {
			list = append(list, a.Source)
		}
		return list
	}
	expect := func(what string, want ...netip.Addr) {
		t.Helper()
		if got := sources(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	u.Hear(vrrp.Advertiser{Source: one, Priority: 200, Interval: time.Second}, true)
	u.Hear(vrrp.Advertiser{Source: two, Priority: 150, Interval: time.Second}, false)
	u.Hear(vrrp.Advertiser{Source: three, Priority: 100, Interval: time.Second}, false)
	expect("three Actives", one, two, three)
	u.Hear(vrrp.Advertiser{Source: two, Priority: 120, Interval: time.Second}, false)
	expect("the second is heard again", one, three, two)
	if gone, ok := u.Resigned(two); !ok || gone != (vrrp.Advertiser{Source: two, Priority: 120, Interval: time.Second}) {
		t.Errorf("%v has resigned: %v", gone, ok)
	}
	if _, ok := u.Resigned(two); ok {
		t.Error("a router resigns twice")
	}
	expect("the second has resigned", one, three)
	u.Hear(vrrp.Advertiser{Source: one, Priority: 200, Interval: time.Second}, true)
	expect("the best is heard again", one)
}
