package validate

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

func TestAcceptKeepsWhatOnlyDiffers(t *testing.T) {
	owner := virtual4()
	owner.Priority = vrrp.Owner
	b := newBench(owner, virtual6())
	for _, c := range []struct {
		what, theirs, ours string
		counter            stats.Counter
		change             func(*wire.Advert)
		six                bool
	}{
		{"interval", "3s", "1s", stats.IntervalErrors, func(a *wire.Advert) { a.Interval = 3 * time.Second }, false},
		{"addresses", "192.0.2.9", "192.0.2.100", stats.AddressListErrors, func(a *wire.Advert) { a.Addresses[0] = netip.MustParseAddr("192.0.2.9") }, false},
		{"checksum", "rfc9568", "pseudo-header", stats.ChecksumMessageOnly, func(a *wire.Advert) { a.Checksum = wire.MessageOnly }, false},
		{"owner-conflict", "255", "255", stats.OwnerConflicts, func(a *wire.Advert) { a.Priority = 255 }, false},
		{"first-not-link-local", "2001:db8::1", "fe80::100", stats.FirstNotLinkLocal, func(a *wire.Advert) { a.Addresses[0] = netip.MustParseAddr("2001:db8::1") }, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := advert4()
			if c.six {
				a.Addresses = []netip.Addr{vip6}
			}
			c.change(&a)
			wrap, name := packet4, "v4"
			if c.six {
				wrap, name = packet6, "v6"
			}
			p := wrap(a)
			mismatches := func(now time.Time) (all []event.AdvertMismatch) {
				v := b.Accept(&p, now)
				if !v.Valid {
					t.Fatalf("rejected: %+v", v)
				}
				for _, e := range v.Events {
					if m := e.(event.AdvertMismatch); m.What == c.what {
						all = append(all, m)
					}
				}
				return all
			}
			first := mismatches(t0)
			if len(first) != 1 || first[0].Theirs != c.theirs || first[0].Ours != c.ours || first[0].Instance != name || first[0].Cause.Trace == 0 {
				t.Fatalf("%+v", first)
			}
			if got := mismatches(t0.Add(mismatchEvery - 1)); len(got) != 0 {
				t.Errorf("reported again one tick too early: %+v", got)
			}
			once := 1
			if c.what == "checksum" {
				once = 0 // until it changes
			}
			if got := mismatches(t0.Add(mismatchEvery)); len(got) != once {
				t.Errorf("after a minute: %+v", got)
			}
			if got := b.stats[name].Get(c.counter); got != 3 {
				t.Errorf("%v is %d, want 3: each advert counts", c.counter, got)
			}
		})
	}
}

func TestAcceptReportsAChange(t *testing.T) {
	b := newBench(virtual4())
	reports := func(at, interval time.Duration) int {
		a := advert4()
		a.Interval = interval
		p := packet4(a)
		return len(b.Accept(&p, t0.Add(at)).Events)
	}
	got := []int{
		reports(0, 2*time.Second), reports(time.Second, 3*time.Second), // too soon
		reports(mismatchChanged, 3*time.Second), reports(mismatchChanged+time.Second, 3*time.Second),
	}
	if !slices.Equal(got, []int{1, 0, 1, 0}) {
		t.Errorf("reported %v", got)
	}
}

func TestAcceptIgnoresTheOrderOfAddresses(t *testing.T) {
	second := netip.MustParseAddr("192.0.2.101")
	in := virtual4()
	in.Addresses = []netip.Addr{vip4, second}
	b := newBench(in)
	a := advert4()
	a.Addresses = []netip.Addr{second, vip4}
	p := packet4(a)
	if v := b.Accept(&p, t0); len(v.Events) != 0 {
		t.Errorf("%+v", v.Events)
	}
	a.Addresses = []netip.Addr{vip4, vip4}
	p = packet4(a)
	if v := b.Accept(&p, t0); len(v.Events) != 1 {
		t.Errorf("a repeated address counts as a different list: %+v", v.Events)
	}
}
