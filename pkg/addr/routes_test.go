package addr

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/route"
)

var (
	defaultRoute = route.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0", Table: route.MainTable}
	tableRoute   = route.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Interface: "eth0", Table: 100, Metric: 5, Source: vip4.Addr()}
	testRule     = route.Rule{Family: event.IPv4, From: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, Priority: 500}
)

func routeSets() []Set {
	sets := many(1, Announce{})
	sets[0].Routes = []route.Entry{defaultRoute, tableRoute, testRule}
	return sets
}

func TestRoutesFollowTheAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.kernel.with(func() { r.kernel.refuse = errors.New("no room") })
		r.do(Hold, "a")
		r.pass(retryEvery)
		expect(t, "though no address is in place", r.routes.Batches, "[]")
		r.kernel.with(func() { r.kernel.refuse = nil })
		r.pass(retryEvery)
		expect(t, "batches", r.routes.Batches, "[+3]")
		expect(t, "events", r.names(), "failed added route.added")

		r.kernel.with(func() { r.kernel.hook = func() { expect(t, "left with the addresses", len(r.routes.Standing), 0) } })
		r.do(Release, "a")
		expect(t, "batches", r.routes.Batches, "[+3 -3]")
		expect(t, "events", r.names(), "route.removed removed")
		r.do(Release, "a")
		expect(t, "batches", r.routes.Batches, "[+3 -3]")
		expect(t, "stop", r.stop(), nil)
	})
}

// TestRoutesAreAskedFor: there is no notification about a route that disappears with its interface
// or its source.
func TestRoutesAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.do(Hold, "a")
		r.names()
		take := func() { r.routes.With(func() { delete(r.routes.Standing, defaultRoute.String()) }) }
		r.pass(time.Second)
		take()
		r.link(eth0, 2)
		r.pass(0)
		expect(t, "after a fact about the interface", r.names(), "route.restored")
		r.pass(time.Second)
		take()
		r.kernel.with(func() { r.kernel.drop(event.AddressKey{Index: eth0, Prefix: netip.MustParsePrefix("192.0.2.1/24")}) })
		r.pass(0)
		expect(t, "after an address was lost", r.names(), "restored route.restored")
	})
}

// TestMissingRoutesAreReported requires that removals by other programs are noticed, that what is
// missing is reported, and that nothing is left at the end.
func TestMissingRoutesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.routes.With(func() { r.routes.Refuse = errors.New("no such gateway") })
		r.do(Hold, "a")
		r.pass(5 * time.Second)
		expect(t, "reported once", r.names(), "added route.failed")
		expect(t, "missing", r.missing(), "[a:0:3]")
		r.routes.With(func() { r.routes.Refuse = nil })
		r.pass(retryEvery)
		expect(t, "then", r.names(), "route.added")
		expect(t, "missing", r.missing(), "[a:0:0]")
		r.routes.Lose(tableRoute)
		r.pass(retryEvery)
		expect(t, "lost", r.names(), "route.restored")
		r.routes.With(func() { r.routes.Stuck = errors.New("stuck") })
		if err := r.stop(); err == nil {
			t.Error("the kernel kept the routes, and the worker stopped without an error")
		}
	})
}
