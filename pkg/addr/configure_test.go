package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// configure gives the worker new sets.
func (r *rig) configure(sets []Set) {
	r.Do(Order{Kind: Configure, Cause: event.Cause{Trace: 8, At: time.Now()}, Sets: sets})
	synctest.Wait()
}

// calls returns all requests to the kernel except lists.
func (r *rig) calls() string {
	text := fmt.Sprintf("%v %v [%s] %v", r.kernel.batches, r.routes.Batches, r.devs.Calls(), r.wall.take())
	r.kernel.batches, r.routes.Batches = nil, nil
	return text
}

const noCalls = "[] [] [] []"

func TestConfigureOfTheSameChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := func() []Set {
			all := append(routeSets(), virtualSets()...)
			all[0].Refuse = true
			return all
		}
		r := newRig(t, sets())
		r.do(Hold, "a", "v")
		r.pass(time.Second)
		r.calls()
		r.packets.take()
		r.names()
		lists := r.kernel.lists
		r.configure(sets())
		expect(t, "kernel", r.calls(), noCalls)
		expect(t, "lists", r.kernel.lists, lists)
		expect(t, "frames", r.packets.take(), "[]")
		expect(t, "events", r.names(), "")
		r.do(Release, "a", "v")
		expect(t, "left", len(r.kernel.standing)+len(r.routes.Standing), 0)
	})
}

// TestConfigureAddsAnAddress requires that only the new address is added and announced, and then
// refreshed with the others.
func TestConfigureAddsAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Announce{Count: 2, AgainAfter: 5 * time.Second, Refresh: time.Minute}
		r := newRig(t, many(3, a))
		r.do(Hold, "a")
		r.pass(10 * time.Second)
		r.packets.take()
		r.names()
		sets := many(4, a)
		sets[0].Addresses[0], sets[0].Addresses[3] = sets[0].Addresses[3], sets[0].Addresses[0]
		r.configure(sets)
		expect(t, "batches", r.kernel.batches, "[+3 +1]")
		expect(t, "frames", len(r.packets.take()), 2)
		expect(t, "events", r.names(), "added")
		r.pass(6 * time.Second)
		expect(t, "frames of the second set", len(r.packets.take()), 2)
		r.pass(time.Minute)
		expect(t, "frames of the refreshment", len(r.packets.take()), 4)
		r.do(Reannounce, "a")
		expect(t, "frames asked for", len(r.packets.take()), 8)
		r.do(Release, "a")
		expect(t, "batches", r.kernel.batches, "[+3 +1 -4]")
	})
}

func TestConfigureRemovesAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(3, Announce{Count: 1}))
		r.do(Hold, "a")
		r.packets.take()
		r.names()
		sets := many(3, Announce{Count: 1, Refresh: time.Minute})
		sets[0].Addresses = sets[0].Addresses[1:]
		r.configure(sets)
		expect(t, "batches", r.kernel.batches, "[+3 -1]")
		if len(r.kernel.standing) != 2 || r.kernel.standing[event.AddressKey{Index: eth0, Prefix: many(1, Announce{})[0].Addresses[0].Prefix}] {
			t.Errorf("stand: %v", r.kernel.standing)
		}
		expect(t, "events", r.names(), "removed")
		expect(t, "frames", len(r.packets.take()), 0)
		r.pass(61 * time.Second)
		expect(t, "frames of the refreshment, which is new", len(r.packets.take()), 2)
		r.do(Release, "a")
		expect(t, "left", len(r.kernel.standing), 0)
	})
}

// TestConfigureWhileAnnounced requires that announcements continue with the new indexes of the
// addresses.
func TestConfigureWhileAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Announce{Count: 3, Spacing: time.Second}
		r := newRig(t, many(3, a))
		r.do(Hold, "a")
		r.pass(time.Second)
		sets := many(5, a)
		sets[0].Addresses = sets[0].Addresses[2:]
		r.configure(sets)
		r.packets.take()
		r.pass(500 * time.Millisecond)
		sets = many(5, a)
		sets[0].Addresses = sets[0].Addresses[4:]
		r.configure(sets)
		r.pass(20 * time.Second)
		if n := len(r.packets.take()); n < 3 || n > 9 {
			t.Errorf("%d frames", n)
		}
		expect(t, "left to announce", r.announcer.waiting.Len(), 0)
		r.do(Release, "a")
		expect(t, "forgotten", len(r.announcer.jobs)+len(r.announcer.some), 0)
	})
}

// TestConfigureReplacesAnAddress: a label is given when an address is added, so the address must be
// removed and added again.
func TestConfigureReplacesAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.do(Hold, "a")
		r.packets.take()
		r.names()
		sets := many(2, Announce{Count: 1})
		sets[0].Addresses[1].Label = "eth0:1"
		r.kernel.with(func() { r.kernel.stuck = errors.New("busy") })
		r.configure(sets)
		r.pass(retryEvery)
		expect(t, "events", r.names(), "failed")
		r.kernel.with(func() { r.kernel.stuck, r.kernel.batches = nil, nil })
		r.pass(retryEvery)
		expect(t, "batches", r.kernel.batches, "[-1 +1]")
		expect(t, "events", r.names(), "added")
		expect(t, "frames", len(r.packets.take()), 1)
		r.do(Release, "a")
		expect(t, "left", len(r.kernel.standing)+len(r.ledger.leaving)+len(r.ledger.replace), 0)
	})
}

// TestConfigureOfAddressesOfOthers requires that an address without the mark stays the owner's, and
// that an address that another instance takes over stays in place.
func TestConfigureOfAddressesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(2, Announce{Count: 1})
		own := sets[0].Addresses[0].Prefix
		b := Set{Instance: "b", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}}
		r := newRig(t, append(sets, b), Standing{Index: eth0, Prefix: own})
		r.do(Hold, "a", "b")
		r.kernel.batches = nil
		labeled := many(2, Announce{Count: 1})
		labeled[0].Addresses[0].Label = "eth0:1"
		r.names()
		r.configure(append(labeled, b))
		expect(t, "batches for a label of the owner's", r.kernel.batches, "[]")
		expect(t, "events", r.names(), "")
		next := many(2, Announce{Count: 1})
		b.Addresses = append(b.Addresses, next[0].Addresses[1])
		next[0].Addresses = nil
		r.configure(append(next, b))
		expect(t, "batches", r.kernel.batches, "[]")
		expect(t, "the owner's", fmt.Sprint(r.kernel.standing[event.AddressKey{Index: eth0, Prefix: own}], len(r.kernel.standing)), "false 3")
		// The owner adds an address that no set names yet.
		late := netip.MustParsePrefix("192.0.2.77/24")
		r.kernel.with(func() {
			r.kernel.standing[event.AddressKey{Index: eth0, Prefix: late}] = false
			r.kernel.facts.Publish(event.Address{Index: eth0, Prefix: late, Present: true})
		})
		synctest.Wait()
		b.Addresses = append(b.Addresses[:len(b.Addresses):len(b.Addresses)], Address{Prefix: late, Interface: "eth0"})
		r.configure(append(next, b))
		expect(t, "batches", r.kernel.batches, "[]")
		r.do(Release, "a", "b")
		expect(t, "batches", r.kernel.batches, "[-2]")
	})
}

func TestConfigureReleasesWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, append(routeSets(), virtualSets()...))
		r.do(Hold, "a", "v")
		r.cfg.Warnings.Report(event.Warning{Instance: "v", Reason: event.WarnUnheard, Subject: "eth0", Text: "x"})
		r.names()
		r.calls()
		r.configure(routeSets())
		expect(t, "kernel", r.calls(), "[-2] [] [down [20]; remove 20; restore, keep []] []")
		expect(t, "events", r.names(), "removed instance.warning device.removed")
		expect(t, "in force", len(r.cfg.Warnings.All()), 0)
		r.do(Hold, "v")
		expect(t, "not configured", r.names(), "failed")
		r.configure(nil)
		expect(t, "routes", r.routes.Batches, "[-3]")
		expect(t, "left", len(r.kernel.standing)+len(r.routes.Standing)+len(r.ledger.links), 0)
		r.configure(append(routeSets(), virtualSets()...))
		r.do(Hold, "a", "v")
		expect(t, "held again", fmt.Sprint(len(r.kernel.standing), len(r.routes.Standing)), "3 3")
		expect(t, "stop", r.stop(), nil)
		expect(t, "left", len(r.kernel.standing)+len(r.routes.Standing), 0)
	})
}

func TestConfigureChangesRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.do(Hold, "a")
		r.calls()
		other := tableRoute
		other.Metric = 7
		sets := routeSets()
		sets[0].Routes = []route.Entry{other, defaultRoute}
		r.configure(sets)
		expect(t, "kernel", r.calls(), "[] [-2 +1] [] []")
		expect(t, "rules before tables", r.routes.Removed, fmt.Sprint([]any{testRule, tableRoute}))
		if !r.routes.Standing[other.String()] || !r.routes.Standing[defaultRoute.String()] {
			t.Errorf("stand: %v", r.routes.Standing)
		}
		// Removal fails, and the route is wanted again.
		r.routes.With(func() { r.routes.Stuck = errors.New("stuck") })
		r.configure(many(1, Announce{}))
		r.configure(sets)
		r.pass(2 * retryEvery)
		r.routes.With(func() { r.routes.Stuck = nil })
		r.calls()
		r.pass(2 * retryEvery)
		expect(t, "kernel", r.calls(), noCalls)
		// First without addresses, then with some.
		r.configure(many(1, Announce{}))
		expect(t, "none", len(r.routes.Standing), 0)
		r.configure(routeSets())
		expect(t, "some", len(r.routes.Standing), 3)
		r.do(Release, "a")
		expect(t, "left", len(r.routes.Standing)+len(r.kernel.standing), 0)
	})
}

func TestConfigureChangesTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := virtualSets()
		plain[0].Device = nil
		plain[0].Addresses[0].Interface = "eth0"
		r := newRig(t, plain)
		r.do(Hold, "v")
		r.calls()
		r.packets.take()
		r.names()
		r.configure(virtualSets())
		expect(t, "kernel", r.calls(), "[-1 +1] [] [make vrrp.51 on 7; tune eth0 vrrp.51; up [20]; tune eth0 vrrp.51] []")
		expect(t, "frames", r.packets.take(), "[20:00005e000133]")
		expect(t, "events", r.names(), "device.added removed added")
		six := virtualSets()
		six[0].Addresses = append(six[0].Addresses, Address{Prefix: vip6})
		r.configure(six)
		expect(t, "kernel", r.calls(), "[+1] [] [mend 20; tune eth0 vrrp.51] []")
		other := virtualSets()
		other[0].Device = &macvlan.Device{Name: "vrrp.52", MAC: [6]byte{0, 0, 0x5e, 0, 1, 52}}
		r.packets.take()
		r.names()
		r.configure(other)
		if got := r.calls(); !strings.Contains(got, "remove 20; restore, keep [eth0]; make vrrp.52 on 7") || !strings.Contains(got, "up [21]") {
			t.Errorf("kernel: %s", got)
		}
		expect(t, "frames", r.packets.take(), "[21:00005e000134]")
		r.configure(plain)
		expect(t, "frames", r.packets.take(), "[7:020000000001]")
		r.do(Release, "v")
		expect(t, "stop", r.stop(), nil)
		expect(t, "links", len(r.devs.List), 1)
	})
}

// TestConfigureToAnotherInterface requires that the state of an interface that no set named before
// is known from earlier reports.
func TestConfigureToAnotherInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, routeSets())
		r.links.Publish(event.Link{Seq: 4, Name: "eth1", Index: 9, AdminUp: true, Usable: true, Downs: 2, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}})
		r.do(Hold, "a")
		sets := routeSets()
		sets[0].Addresses[0].Interface, sets[0].Announce.Count = "eth1", 1
		via := tableRoute
		via.Interface = "eth1"
		sets[0].Routes = []route.Entry{via}
		r.configure(sets)
		expect(t, "batches", r.kernel.batches, "[+1 -1 +1]")
		expect(t, "frames", r.packets.take(), "[9:020000000009]")
		if len(r.routes.Standing) != 1 || !r.routes.Standing[via.String()] {
			t.Errorf("routes: %v", r.routes.Standing)
		}
		expect(t, "stop", r.stop(), nil)
		expect(t, "left", len(r.kernel.standing), 0)
	})
}

// TestConfigureOfWhatIsNotHeld requires that an instance that is not held is remembered, and that
// what it lacked may be tried again.
func TestConfigureOfWhatIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.kernel.with(func() { r.kernel.refuse = errors.New("no room") })
		r.do(Hold, "a")
		r.pass(2 * time.Second)
		r.do(Release, "a")
		r.kernel.with(func() { r.kernel.refuse = nil })
		r.missing()
		r.names()
		r.kernel.batches = nil
		r.configure(many(3, Announce{Count: 2}))
		expect(t, "batches", r.kernel.batches, "[]")
		expect(t, "frames", len(r.packets.take()), 0)
		expect(t, "missing", r.missing(), "[a:0:0]")
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+3]")
		expect(t, "frames", len(r.packets.take()), 6)
		expect(t, "events", r.names(), "added")
	})
}

func TestConfigureWhileTheKernelRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.do(Hold, "a")
		r.packets.take()
		r.names()
		r.kernel.with(func() { r.kernel.refuse, r.kernel.stuck = errors.New("no room"), errors.New("busy") })
		sets := many(3, Announce{Count: 1})
		sets[0].Addresses = sets[0].Addresses[1:]
		r.configure(sets)
		r.pass(2 * time.Second)
		expect(t, "events", r.names(), "failed failed")
		expect(t, "missing", r.missing(), "[a:1:1]")
		expect(t, "frames", len(r.packets.take()), 0)
		r.kernel.with(func() { r.kernel.refuse, r.kernel.stuck = nil, nil })
		r.pass(time.Second)
		expect(t, "events", r.names(), "removed added")
		expect(t, "missing", r.missing(), "[a:0:0]")
		expect(t, "frames", len(r.packets.take()), 1)
		expect(t, "stand", len(r.kernel.standing), 2)
	})
}

// TestConfigureToRefuse requires that the firewall is programmed for the first instance that
// accepts nothing before its address is added, and that changes of the firewall are noticed from
// then on.
func TestConfigureToRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{}))
		r.do(Hold, "a")
		r.calls()
		sets := many(3, Announce{})
		sets[0].Refuse = true
		stood := 0
		r.wall.with(func() { r.wall.hook = func() { stood = len(r.kernel.standing) } })
		r.configure(sets)
		expect(t, "kernel", r.calls(), "[+1] [] [] [[{192.0.2.1 } {192.0.2.2 } {192.0.2.3 }]]")
		expect(t, "addresses before", stood, 2)
		r.wall.lose()
		synctest.Wait()
		expect(t, "put back", r.wall.take(), "[[{192.0.2.1 } {192.0.2.2 } {192.0.2.3 }]]")

		// Packets for an address that is gone are dropped until the kernel has removed it.
		r.kernel.with(func() { r.kernel.stuck = errors.New("busy") })
		fewer := many(2, Announce{})
		fewer[0].Refuse = true
		r.configure(fewer)
		expect(t, "stuck", r.calls(), "[-1] [] [] []")
		r.kernel.with(func() { r.kernel.stuck = nil })
		r.pass(retryEvery)
		expect(t, "gone", r.calls(), "[-1] [] [] [[{192.0.2.1 } {192.0.2.2 }]]")

		r.configure(many(2, Announce{}))
		expect(t, "accepts", r.calls(), "[] [] [] [[]]")
		r.configure(fewer)
		r.wall.with(func() { r.wall.refuse = errors.New("not permitted") })
		r.wall.lose()
		synctest.Wait()
		expect(t, "warned", r.warned(), "firewall")
		r.configure(many(2, Announce{}))
		expect(t, "warned", r.warned(), "")
	})
}

// TestConfigureToRefuseWithoutFirewall requires that without a firewall, addresses that must accept
// nothing are removed.
func TestConfigureToRefuseWithoutFirewall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{}))
		r.cfg.Firewall = NoFirewall{}
		r.acceptance = newAcceptance(&r.cfg, r.ledger)
		r.addresses.acceptance = r.acceptance
		r.do(Hold, "a")
		r.names()
		sets := many(2, Announce{})
		sets[0].Refuse = true
		r.configure(sets)
		r.pass(2 * time.Second)
		expect(t, "batches", r.kernel.batches, "[+2 -2]")
		expect(t, "events", r.names(), "failed")
		expect(t, "missing", r.missing(), "[a:2:2]")
		r.configure(many(2, Announce{}))
		r.pass(retryEvery)
		expect(t, "accepts again", r.names(), "restored")
		expect(t, "missing", r.missing(), "[a:0:0]")
		expect(t, "stop", r.stop(), nil)
	})
}

// TestConfigureBetweenOrders requires, in one batch of orders, that an instance that stops is
// released and that one that starts is held by its new set.
func TestConfigureBetweenOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := append(many(1, Announce{}), Set{Instance: "b", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}})
		r := newRig(t, sets)
		r.do(Hold, "a")
		next := []Set{{Instance: "c", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: netip.MustParsePrefix("198.51.100.1/24"), Interface: "eth0"}}}, sets[1]}
		r.Do(Order{Kind: Release, Instances: []string{"a"}}, Order{Kind: Configure, Sets: next}, Order{Kind: Hold, Instances: []string{"c", "b"}})
		synctest.Wait()
		expect(t, "batches", r.kernel.batches, "[+1 -1 +2]")
		expect(t, "orders", r.Executed(), 4)
	})
}
