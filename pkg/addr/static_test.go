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

// TestStatic: the Static set is held without an order, whatever happens to the loop, and not
// announced; it is restored, and removed when no set has it any more, or at the end.
func TestStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		static := Set{Instance: StaticName, Static: true, Addresses: []Address{{Prefix: vip4, Interface: "eth0"}, {Prefix: vip6, Interface: "eth9"}}, Routes: []route.Entry{testRule}}
		other := many(2, Announce{Count: 1})[0]
		other.Addresses = other.Addresses[1:]
		other.Link = "eth0"
		leftover := Standing{eth0, vip4, true}
		r := newRig(t, []Set{other, static}, leftover)
		r.pass(3 * time.Second)
		holds := func(want bool) {
			t.Helper()
			_, stands := r.kernel.standing[event.AddressKey{Index: eth0, Prefix: vip4}]
			if stands != want || r.routes.Standing[testRule.String()] != want {
				t.Errorf("the address is in place: %t, the rule: %t", stands, r.routes.Standing[testRule.String()])
			}
		}
		holds(true)
		expect(t, "what an earlier run had left was never removed", r.kernel.batches, "[]")
		expect(t, "announced", len(r.packets.take()), 0)
		expect(t, "reported to the router", r.missing(), "[]")
		warnings := r.cfg.Warnings.Of(StaticName)
		if len(warnings) != 1 || warnings[0].Subject != "2001:db8::1/64 on eth9" {
			t.Errorf("warnings: %v", warnings)
		}
		time.Sleep(10 * time.Second) // nobody stamps the lease
		synctest.Wait()
		holds(true)

		r.kernel.with(func() { r.kernel.drop(event.AddressKey{Index: eth0, Prefix: vip4}) })
		r.pass(time.Second)
		holds(true)
		expect(t, "announced of what was put back", len(r.packets.take()), 0)
		r.do(Hold, "a")
		r.pass(time.Second)
		if len(r.packets.take()) == 0 {
			t.Error("an instance is not announced")
		}

		configure := func(sets ...Set) {
			r.Do(Order{Kind: Configure, Cause: event.Cause{Trace: 9}, Sets: sets})
			synctest.Wait()
		}
		configure(other)
		holds(false)
		expect(t, "warnings", len(r.cfg.Warnings.Of(StaticName)), 0)
		configure(other, static)
		holds(true)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		holds(false)
	})
}

// TestStaticRefused: a refused address of the Static set is a warning, and everything else is
// placed.
func TestStaticRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		static := Set{Instance: StaticName, Static: true, Addresses: []Address{{Prefix: vip4, Interface: "eth0"}}, Routes: []route.Entry{testRule}}
		r := newRig(t, []Set{static})
		r.kernel.with(func() {
			r.kernel.drop(event.AddressKey{Index: eth0, Prefix: vip4})
			r.kernel.refuse = BatchError{{event.AddressKey{Index: eth0, Prefix: netip.MustParsePrefix("192.0.2.1/24")}, errors.New("invalid argument"), true}}
		})
		r.pass(2 * time.Second)
		expect(t, "warnings", len(r.cfg.Warnings.Of(StaticName)), 1)
		if !r.routes.Standing[testRule.String()] {
			t.Error("the rule is not placed")
		}
	})
}
