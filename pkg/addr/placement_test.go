package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/route"
	"ripcord/pkg/route/routetest"
	"ripcord/pkg/vrrp"
)

// placing is the placements of a ledger on a clock that the test moves.
type placing struct {
	*scene
	placements *placements
	results    *bus.Ring[vrrp.Result]
}

func newPlacing() *placing {
	p := &placing{scene: newScene()}
	results := new(bus.Topic[vrrp.Result])
	p.results = bus.SubscribeRing(results, bus.NewBell(), 100)
	now := func() time.Time { return at(p.scene.now) }
	cfg := &Config{Results: results, Now: now, Warnings: event.NewWarnings(func(event.Event) {})}
	routes := route.NewHolder(route.Config{
		Entries: map[string][]route.Entry{"b": {defaultRoute}}, Ready: p.complete,
		Kernel: routetest.New(), Events: new(bus.Topic[event.Event]), Minter: event.NewMinter(1), Now: now,
	})
	p.placements = newPlacements(cfg, p.scene.ledger, routes)
	return p
}

// reported formats the reports since the last call.
func (p *placing) reported() string {
	p.placements.report()
	all, _ := p.results.Take()
	var texts []string
	for _, r := range all {
		placed := r.(vrrp.Placed)
		texts = append(texts, fmt.Sprintf("%s:%d:%s", placed.Instance, placed.Degree, strings.Join(placed.Missing, ",")))
	}
	return strings.Join(texts, " ")
}

// refuse makes the kernel refuse the address of an instance for a time.
func (p *placing) refuse(instance string, d time.Duration) {
	p.fail(d, func([]Op) error { return errors.New("no room") })
}

// fail lets time pass, and makes the kernel answer the attempts after it.
func (p *placing) fail(d time.Duration, answer func([]Op) error) {
	p.scene.now += d
	now := at(p.scene.now)
	ops, _ := p.scene.ledger.adds(now)
	p.scene.ledger.fail(now, ops, answer(ops))
	p.settle(now)
}

// invalid answers that none of some addresses is valid.
func invalid(ops []Op) error {
	var all BatchError
	for _, op := range ops {
		all = append(all, AddressError{op.key(), errors.New("invalid argument"), true})
	}
	return all
}

// TestPlacementsOfRefusedAddresses requires that a refusal for what an address is is reported as
// such, and, for an instance that is not held, that another program's address came or went on its
// link.
func TestPlacementsOfRefusedAddresses(t *testing.T) {
	p := newPlacing()
	p.hold(at(0), event.Cause{Trace: 1}, "a")
	p.placements.expect("a")
	p.fail(0, invalid)
	p.fail(time.Second, invalid)
	p.placements.report()
	all, _ := p.results.Take()
	if len(all) != 1 || !all[0].(vrrp.Placed).Refused || !strings.Contains(all[0].(vrrp.Placed).Missing[0], "tried again every 10s: invalid argument") {
		t.Fatalf("reported %+v", all)
	}
	ops, _ := p.scene.ledger.adds(at(p.scene.now + 5*time.Second))
	expect(t, "to be tried", len(ops), 0)
	theirs := event.Address{Index: eth0, Prefix: netip.MustParsePrefix("192.0.2.77/24"), Removals: 1}
	p.scene.ledger.fact(theirs)
	ops, _ = p.scene.ledger.adds(at(p.scene.now))
	expect(t, "to be tried", len(ops), 1)

	p.release(at(p.scene.now), event.Cause{Trace: 2}, "a")
	p.placements.seeAddress(event.Address{Index: eth0 + 1, Prefix: theirs.Prefix})
	expect(t, "on another link", p.reported(), "")
	p.placements.seeAddress(event.Address{Index: eth0, Prefix: vip4})
	expect(t, "an address of ours", p.reported(), "")
	p.placements.seeAddress(theirs)
	expect(t, "on its link", p.reported(), "a:0:")
}

// TestPlacementsOfTolerantInstances: a tolerant instance does without refused addresses as long as
// it has another one, and without addresses on an interface that never existed.
func TestPlacementsOfTolerantInstances(t *testing.T) {
	other := netip.MustParsePrefix("192.0.2.2/24")
	p := newPlacing()
	p.configure(at(0), event.Cause{}, []Set{{Instance: "a", Tolerant: true, Addresses: []Address{
		{Prefix: vip4, Interface: "eth0"}, {Prefix: other, Interface: "eth0"}, {Prefix: vip6, Interface: "eth9", Extra: true},
	}}})
	p.hold(at(0), event.Cause{Trace: 1}, "a")
	p.placements.expect("a")
	p.fail(0, invalid)
	expect(t, "routes have nothing to wait for", p.complete("a"), true)
	p.fail(time.Second, invalid)
	if got := p.reported(); !strings.HasPrefix(got, "a:2:192.0.2.1/24") {
		t.Errorf("no address is in place: %q", got)
	}
	warned := func() (all []string) {
		for _, w := range p.placements.warnings.Of("a") {
			all = append(all, w.Subject)
		}
		return all
	}
	expect(t, "warnings", warned(), "[2001:db8::1/64 on eth9]")
	p.kernel = append(p.kernel, Standing{eth0, other, true})
	p.observe(p.kernel)
	p.fail(10*time.Second, invalid)
	expect(t, "one stands", p.reported(), "a:0:")
	expect(t, "warnings", warned(), "[192.0.2.1/24 on eth0 2001:db8::1/64 on eth9]")
	p.release(at(p.scene.now), event.Cause{Trace: 2}, "a")
	expect(t, "not held", p.reported(), "")
	expect(t, "warnings", warned(), "[]")
}

// TestPlacements requires that what is missing for a second is reported once, and sooner if it was
// missing the last time; that its end is reported; and, for an instance that is not held, that its
// link changed.
func TestPlacements(t *testing.T) {
	p := newPlacing()
	p.hold(at(0), event.Cause{Trace: 1}, "a")
	p.placements.expect("a")
	p.refuse("a", 0)
	p.refuse("a", inPlaceWithin-1)
	expect(t, "too early", p.reported(), "")
	p.refuse("a", time.Second)
	if got := p.reported(); !strings.HasPrefix(got, "a:") || !strings.Contains(got, "192.0.2.1/24 on eth0 (not added") {
		t.Errorf("reported %q", got)
	}
	p.refuse("a", time.Second)
	expect(t, "again", p.reported(), "")

	p.release(at(p.scene.now), event.Cause{Trace: 2}, "a")
	p.hold(at(p.scene.now), event.Cause{Trace: 3}, "a")
	p.placements.expect("a")
	p.refuse("a", 0)
	expect(t, "held again", p.reported(), "")
	p.refuse("a", againWithin)
	if got := p.reported(); !strings.HasPrefix(got, "a:") {
		t.Errorf("sooner: %q", got)
	}
	p.step(time.Second)
	expect(t, "in place", p.reported(), fmt.Sprintf("a:%d:", vrrp.Optional))

	p.somebodyRemoves(vip4)
	p.scene.now += time.Second
	p.observe(p.kernel)
	p.settle(at(p.scene.now))
	p.refuse("a", 2*time.Second)
	if got := p.reported(); !strings.HasPrefix(got, "a:") {
		t.Errorf("lost: %q", got)
	}
	p.release(at(p.scene.now), event.Cause{Trace: 4}, "a")
	same := p.scene.ledger.links["eth0"]
	p.placements.seeLink(same)
	expect(t, "its link is as it was", p.reported(), "")
	same.Index++
	p.placements.seeLink(same)
	expect(t, "its link changed", p.reported(), "a:0:")
	p.placements.seeLink(same)
	expect(t, "once", p.reported(), "")
}

// TestPlacementsOfRoutes requires that routes are reported missing only after the addresses are in
// place.
func TestPlacementsOfRoutes(t *testing.T) {
	p := newPlacing()
	p.hold(at(0), event.Cause{Trace: 1}, "b")
	p.placements.routes.Hold(at(0), event.Cause{Trace: 1}, "b")
	p.placements.expect("b")
	p.step(time.Second) // its link does not exist for the route
	p.placements.routes.Add()
	if got := p.reported(); !strings.HasPrefix(got, "b:") || !strings.Contains(got, "default via 192.0.2.254 dev eth0 (there is no interface eth0") {
		t.Errorf("reported %q", got)
	}
	p.placements.routes.SeeLink(event.Link{Name: "eth0", Index: eth0, AdminUp: true})
	p.scene.now += time.Second
	p.placements.routes.Add()
	expect(t, "in place", p.reported(), "b:0:")
}
