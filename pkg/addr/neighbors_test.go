package addr

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

var (
	own4, host4 = netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12")
	otherMAC    = [6]byte{2, 0, 0, 0, 0, 0x99}
)

// addressed publishes eth0 with an address of its own.
func (r *rig) addressed() {
	r.links.Publish(event.Link{
		Seq: 3, Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, Primary4: own4,
	})
	synctest.Wait()
}

// sight makes the listener observe a station now.
func (r *rig) sight(s neigh.Sighting) {
	s.At = time.Now()
	r.listener.seen <- s
	synctest.Wait()
}

// warned returns the reasons of the warnings in force, of all instances.
func (r *rig) warned() string {
	var all []string
	for _, w := range r.cfg.Warnings.All() {
		all = append(all, string(w.Reason))
	}
	return strings.Join(all, " ")
}

// TestWorkerAsks: the worker asks the stations that were observed or sent adverts, and publishes
// one answer. An Ask counts as an order; the report after an answer does not, so that the router,
// which counts its orders, sees one outstanding.
func TestWorkerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(1, Announce{})
		sets[0].Link, sets[0].Group = "eth0", wire.Group4
		r := newRig(t, sets)
		r.sight(neigh.Sighting{Index: eth0, Address: host4})
		r.heard.Publish(vrrp.Heard{Instance: "a", Source: host4.Next()})
		r.heard.Publish(vrrp.Heard{Instance: "elsewhere", Source: host4.Next().Next()})
		r.packets.take()
		before := r.Executed()
		r.Ask("eth0", "eth9")
		synctest.Wait()
		expect(t, "two reports and two questions", len(r.packets.take()), 4)
		expect(t, "orders carried out", r.Executed()-before, 1)
		answer := neigh.Sighting{Index: eth0, Address: host4.Next(), Answer: true}
		r.sight(answer)
		r.sight(answer)
		expect(t, "reports after the answer", len(r.packets.take()), 2)
		expect(t, "orders carried out after the answer", r.Executed()-before, 1)
		r.AskForDryRun("eth0")
		synctest.Wait()
		expect(t, "two reports and two questions of a dry run", len(r.packets.take()), 4)
		expect(t, "orders carried out after a dry run", r.Executed()-before, 1)
		var forwards []string
		results, _ := r.forward.Take()
		for _, in := range results {
			if f, ok := in.(vrrp.Forwards); ok {
				forwards = append(forwards, fmt.Sprint(f.Interface, " ", f.Cause.At.Equal(time.Now())))
			}
		}
		expect(t, "results", forwards, "[eth0 true]")
		expect(t, "stop", r.stop(), nil)
	})
}

// TestWorkerReportsConflicts: an address is in conflict while it is in place and another station
// claims it, or while it exists here though its instance is not held.
func TestWorkerReportsConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(1, Announce{})
		sets[0].Link = "eth0"
		r := newRig(t, sets)
		r.addressed()
		claim := func() {
			r.sight(neigh.Sighting{Index: eth0, Address: vip4.Addr(), MAC: otherMAC, Answer: true})
			r.pass(time.Second)
		}
		claim()
		claim()
		expect(t, "as Backup", r.warned(), "")
		r.do(Hold, "a")
		claim()
		claim()
		expect(t, "held", r.warned(), "address-conflict")
		r.do(Release, "a")
		expect(t, "released", r.warned(), "")

		key := event.AddressKey{Index: eth0, Prefix: netip.PrefixFrom(vip4.Addr(), 32)}
		r.kernel.with(func() {
			r.kernel.standing[key] = false
			r.kernel.facts.Publish(event.Address{Index: eth0, Prefix: key.Prefix, Present: true})
		})
		r.pass(1200 * time.Millisecond)
		expect(t, "somebody put it here", r.warned(), "address-conflict")
		r.kernel.with(func() { r.kernel.drop(key) })
		synctest.Wait()
		expect(t, "and took it away", r.warned(), "")
	})
}

// TestWorkerReportsUnreachedDevice requires that stations are also asked from the device of an
// instance.
func TestWorkerReportsUnreachedDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.addressed()
		r.sight(neigh.Sighting{Index: eth0, Address: host4})
		r.do(Hold, "v")
		asked := 0
		for range 600 {
			r.pass(100 * time.Millisecond)
			for _, f := range r.packets.take() {
				if strings.HasPrefix(f, "20:00005e000133") {
					asked++
				}
				if strings.HasPrefix(f, "7:") {
					r.sight(neigh.Sighting{Index: eth0, Address: host4, Answer: true, MAC: otherMAC})
				}
			}
		}
		if asked < 3 {
			t.Errorf("asked %d times from the virtual MAC", asked)
		}
		expect(t, "the link's own MAC alone is answered", r.warned(), "unreached")
		r.do(Release, "v")
		expect(t, "released", r.warned(), "")
	})
}

// TestNeighborSets: an address without an interface is on the device above the link that carries
// the adverts, if there is one.
func TestNeighborSets(t *testing.T) {
	set := virtualSets()[0]
	got := neighborSets([]Set{set})[0]
	want := []neigh.Address{{Addr: vip4.Addr(), Link: "eth0", Virtual: true}, {Addr: set.Addresses[1].Prefix.Addr(), Link: "eth0"}}
	if !slices.Equal(got.Addresses, want) || got.MAC != mac51 {
		t.Errorf("%#v, want the addresses %#v", got, want)
	}
}
