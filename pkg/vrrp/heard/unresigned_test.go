package heard

import (
	"net/netip"
	"slices"
	"testing"
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
	u.Hear(Advertiser{one, 200}, true)
	u.Hear(Advertiser{two, 150}, false)
	u.Hear(Advertiser{three, 100}, false)
	expect("three Actives", one, two, three)
	u.Hear(Advertiser{two, 120}, false)
	expect("the second is heard again", one, three, two)
	if gone, ok := u.Resigned(two); !ok || gone != (Advertiser{two, 120}) {
		t.Errorf("%v has resigned: %v", gone, ok)
	}
	if _, ok := u.Resigned(two); ok {
		t.Error("a router resigns twice")
	}
	expect("the second has resigned", one, three)
	u.Hear(Advertiser{one, 200}, true)
	expect("the best is heard again", one)
}
