package addr

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/firewall"
	"ripcord/pkg/vrrp"
)

// auditEvery is the period of the question whether the firewall still drops what it must.
const auditEvery = 10 * time.Second

func refusing() []Set {
	sets := many(2, Announce{})
	sets[0].Refuse = true
	return append(sets, Set{Instance: "b", Interval: time.Second, Miss: 3, Refuse: true, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}})
}

// TestFirewallBeforeAddresses requires that at no moment an address answers (RFC 9568 §6.1,
// Accept_Mode).
func TestFirewallBeforeAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, refusing())
		expect(t, "at the start", r.wall.take(), "[[]]")
		stood := 0 // the number of addresses when the firewall was last programmed
		r.wall.with(func() { r.wall.hook = func() { stood = len(r.kernel.standing) } })
		r.do(Hold, "a")
		expect(t, "held", r.wall.take(), "[[{192.0.2.1 } {192.0.2.2 }]]")
		expect(t, "addresses before", stood, 0)
		r.do(Hold, "b")
		expect(t, "held too", r.wall.take(), "[[{192.0.2.1 } {192.0.2.2 } {2001:db8::1 }]]")
		r.do(Release, "a")
		expect(t, "released", r.wall.take(), "[[{2001:db8::1 }]]")
		expect(t, "addresses before", stood, 1)
		r.pass(time.Second)
		expect(t, "without cause", r.wall.take(), "[]")

		// The machine's own rules were loaded, and ours are gone.
		r.wall.gone()
		synctest.Wait()
		expect(t, "another's rules, not ours", r.wall.take(), "[]")
		r.names()
		r.wall.lose()
		synctest.Wait()
		expect(t, "events", r.names(), "failed instance.warning") // and over
		expect(t, "put back", r.wall.take(), "[[{2001:db8::1 }]]")
		expect(t, "stop", r.stop(), nil)
		expect(t, "at the end", r.wall.take(), "[[]]")
	})
}

// TestNoAddressWithoutFirewall: no address is better than one that answers; a missing address is a
// fault here as always.
func TestNoAddressWithoutFirewall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, refusing())
		r.wall.with(func() { r.wall.refuse = errors.New("not permitted") })
		r.do(Hold, "a")
		r.pass(time.Second)
		expect(t, "batches", r.kernel.batches, "[]")
		expect(t, "events", r.names(), "failed")
		lost := r.placed()
		if len(lost) != 1 || lost[0].Degree != vrrp.Total || !strings.Contains(lost[0].Missing[0], "not permitted") {
			t.Errorf("lost: %v", lost)
		}
		r.wall.with(func() { r.wall.refuse = nil })
		r.pass(retryEvery)
		expect(t, "events", r.names(), "added")

		r.wall.with(func() { r.wall.refuse = errors.New("not permitted") })
		r.wall.lose()
		r.pass(time.Second)
		expect(t, "they answer", r.names(), "failed")
		r.wall.take()
		r.wall.with(func() { r.wall.refuse = nil })
		r.pass(retryEvery)
		expect(t, "put back", r.wall.take(), "[[{192.0.2.1 } {192.0.2.2 }]]")
	})
}

// TestFirewallAudit requires that the audit finds a change of which there was no notification,
// because a transaction was under way or the listener had failed.
func TestFirewallAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, refusing())
		r.do(Hold, "a")
		r.names()
		r.wall.take()
		r.pass(2 * auditEvery)
		expect(t, "nothing was changed", r.wall.take(), "[]")
		for range 3 {
			r.wall.with(func() { r.wall.lost = true })
			r.pass(auditEvery + 100*time.Millisecond)
			expect(t, "put back", r.wall.take(), "[[{192.0.2.1 } {192.0.2.2 }]]")
		}
		expect(t, "told, not more than once a minute", r.names(), "failed instance.warning")
	})
}

// TestNoFirewallNeeded: without an instance that needs the firewall, a kernel without nftables
// causes no message; if the kernel could not be asked, an earlier run's table may be there.
func TestNoFirewallNeeded(t *testing.T) {
	for want, refuse := range map[string]error{"": firewall.ErrNone, "failed": errors.New("no answer")} {
		synctest.Test(t, func(t *testing.T) {
			wall := &fakeFirewall{refuse: refuse}
			r := newRigWith(t, many(1, Announce{}), wall)
			expect(t, "at the start", r.names(), want)
			r.do(Hold, "a")
			expect(t, "held", r.names(), "added")
			expect(t, "stop", r.stop(), nil)
			if wall.gone != nil {
				t.Error("the worker listens to nftables")
			}
		})
	}
}
