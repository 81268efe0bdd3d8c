package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
)

var (
	defaultRoute = Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0", Table: MainTable}
	tableRoute   = Route{To: netip.MustParsePrefix("10.0.0.0/8"), Interface: "eth0", Table: 100, Metric: 5, Source: vip4.Addr()}
	testRule     = Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Iif: "eth1", Fwmark: 1, Mask: 0xff, Table: 100, Priority: 500}
)

func routeSets() []Set {
	sets := many(1, Announce{})
	sets[0].Ways = []Way{defaultRoute, tableRoute, testRule}
	return sets
}

// TestWayText: as the ip program writes them.
func TestWayText(t *testing.T) {
	expect(t, "a default route", defaultRoute, "default via 192.0.2.254 dev eth0")
	expect(t, "a route", tableRoute, "10.0.0.0/8 dev eth0 table 100 metric 5 src 192.0.2.1")
	expect(t, "a rule", testRule, "rule 500: from 10.0.0.0/8 fwmark 0x1/0xff iif eth1 lookup 100")
	expect(t, "a rule for all", Rule{Family: event.IPv6, To: vip6.Masked(), Fwmark: 2, Mask: ^uint32(0), Table: 7, Priority: 1},
		"rule 1: from all to 2001:db8::/64 fwmark 0x2 lookup 7")
}

func TestWaysFollowTheAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.kernel.with(func() { r.kernel.refuse = errors.New("no room") })
		r.do(Hold, "a")
		r.pass(retryEvery)
		expect(t, "though no address is in place", r.routing.batches, "[]")
		r.kernel.with(func() { r.kernel.refuse = nil })
		r.pass(retryEvery)
		expect(t, "batches", r.routing.batches, "[+3]")
		expect(t, "events", r.names(), "failed added route.added")

		r.kernel.with(func() { r.kernel.hook = func() { expect(t, "left with the addresses", len(r.routing.standing), 0) } })
		r.do(Release, "a")
		expect(t, "batches", r.routing.batches, "[+3 -3]")
		expect(t, "events", r.names(), "route.removed removed")
		expect(t, "removed in the order", r.routing.removed, []string{testRule.String(), tableRoute.String(), defaultRoute.String()})
		r.do(Release, "a")
		expect(t, "batches", r.routing.batches, "[+3 -3]")
		expect(t, "stop", r.stop(), nil)
	})
}

func TestWaysArePutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.do(Hold, "a")
		r.names()
		r.routing.lose(tableRoute)
		r.pass(retryEvery)
		expect(t, "events", r.names(), "route.restored")
		expect(t, "stand", len(r.routing.standing), 3)

		// One that is fought for is put back, but not as often as it is taken.
		r.pass(2 * lossWindow)
		for range 100 {
			r.routing.lose(tableRoute)
			r.pass(100 * time.Millisecond)
		}
		if n := strings.Count(r.names(), "route.restored"); n > 7 {
			t.Errorf("put back %d times in 10 s of fighting", n)
		}
		r.pass(lossWindow)
		expect(t, "stand", len(r.routing.standing), 3)
		expect(t, "lost", r.missing(), "[]")
	})
}

// Nobody tells of a route that goes with its interface or with its source.
func TestWaysAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.do(Hold, "a")
		r.names()
		take := func() { r.routing.with(func() { delete(r.routing.standing, defaultRoute.String()) }) }
		r.pass(time.Second)
		take()
		r.link(eth0, 2)
		r.pass(0)
		expect(t, "after news of the interface", r.names(), "route.restored")
		r.pass(time.Second)
		take()
		r.kernel.with(func() { r.kernel.drop(event.AddressKey{Index: eth0, Prefix: netip.MustParsePrefix("192.0.2.1/24")}) })
		r.pass(0)
		expect(t, "after an address was lost", r.names(), "restored route.restored")
		r.pass(2 * sureEvery)
		r.names()
		r.routing.batches = nil
		take()
		r.pass(sureEvery)
		expect(t, "after a while", r.names(), "route.restored")
		expect(t, "batches", r.routing.batches, "[+3]")
	})
}

func TestWaysWaitForTheirInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := routeSets()
		other := defaultRoute
		other.Interface = "eth1"
		sets[0].Ways = []Way{other, testRule}
		r := newRig(t, sets)
		r.do(Hold, "a")
		expect(t, "events", r.names(), "added route.failed route.added")
		expect(t, "batches", r.routing.batches, "[+1]")
		r.links.Publish(event.Link{Seq: 2, Name: "eth1", Index: 9})
		r.pass(time.Second)
		expect(t, "while it is down", r.names(), "route.failed")
		r.links.Publish(event.Link{Seq: 3, Name: "eth1", Index: 9, AdminUp: true})
		r.pass(0)
		expect(t, "when it is up", r.names(), "route.added")
	})
}

func TestWaysThatTheKernelRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.routing.with(func() { r.routing.refuse = errors.New("no such gateway") })
		r.do(Hold, "a")
		r.pass(5 * time.Second)
		expect(t, "told once", r.names(), "added route.failed")
		expect(t, "missing", r.missing(), "[a:0:3]")
		r.routing.with(func() { r.routing.refuse = nil })
		r.pass(retryEvery)
		expect(t, "then", r.names(), "route.added")
		r.routing.with(func() { r.routing.stuck = errors.New("stuck") })
		r.do(Release, "a")
		r.pass(time.Second)
		expect(t, "kept by the kernel", r.names(), "route.failed removed")
		r.routing.with(func() { r.routing.stuck = nil })
		r.pass(retryEvery)
		expect(t, "then", r.names(), "route.removed")
	})
}

func TestWaysOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.routing.with(func() { r.routing.standing[defaultRoute.String()] = false })
		r.do(Hold, "a")
		expect(t, "events", r.names(), "added route.foreign route.added")
		r.pass(2 * sureEvery)
		expect(t, "told once", r.names(), "")
		r.do(Release, "a")
		expect(t, "left", r.routing.standing, map[string]bool{defaultRoute.String(): false})
		expect(t, "events", r.names(), "route.removed removed")

		r.do(Hold, "a")
		r.names()
		r.routing.lose(defaultRoute) // theirs goes, ours comes
		r.pass(retryEvery)
		expect(t, "events", r.names(), "route.restored")
		expect(t, "stop", r.stop(), nil)
		expect(t, "left at the end", len(r.routing.standing), 0)
	})
}
