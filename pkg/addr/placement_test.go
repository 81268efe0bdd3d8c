package addr

import (
	"errors"
	"fmt"
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
	cfg := &Config{Results: results, Now: now}
	routes := route.NewHolder(route.Config{
		Entries: map[string][]route.Entry{"b": {defaultRoute}}, Ready: p.complete,
		Kernel: routetest.New(), Events: new(bus.Topic[event.Event]), Minter: event.NewMinter(1), Now: now,
	})
	p.placements = newPlacements(cfg, p.scene.ledger, routes)
	return p
}

// reported writes what was reported since it was last asked for.
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

// refuse has the kernel refuse the address of an instance for so long.
func (p *placing) refuse(instance string, d time.Duration) {
	p.scene.now += d
	now := at(p.scene.now)
	p.scene.ledger.fail(now, p.scene.ledger.adds(now), errors.New("no room"))
	p.settle(now)
}

// What is missing for a second is reported once, and what was missing the last time
// sooner; its end is reported, and, of what is not held, that its link changed.
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

// Routes are missed once the addresses are in place.
func TestPlacementsOfRoutes(t *testing.T) {
	p := newPlacing()
	p.hold(at(0), event.Cause{Trace: 1}, "b")
	p.placements.routes.Hold(at(0), event.Cause{Trace: 1}, "b")
	p.placements.expect("b")
	p.step(time.Second) // its link is not there for the route
	p.placements.routes.Add()
	if got := p.reported(); !strings.HasPrefix(got, "b:") || !strings.Contains(got, "default via 192.0.2.254 dev eth0 (there is no interface eth0") {
		t.Errorf("reported %q", got)
	}
	p.placements.routes.SeeLink(event.Link{Name: "eth0", Index: eth0, AdminUp: true})
	p.scene.now += time.Second
	p.placements.routes.Add()
	expect(t, "in place", p.reported(), "b:0:")
}
