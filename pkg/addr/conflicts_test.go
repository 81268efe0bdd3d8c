package addr

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

var otherMAC = [6]byte{2, 0, 0, 0, 0, 0x99}

// conflictRig is a rig of one instance with an address of each family on eth0.
func conflictRig(t *testing.T, settings map[string]string, standing ...Standing) *rig {
	sets := []Set{{
		Instance: "a", Link: "eth0", Interval: time.Second, Miss: 3,
		Addresses: []Address{{Prefix: vip4, Interface: "eth0"}, {Prefix: vip6, Interface: "eth0"}},
	}}
	r := newRig(t, sets, standing...)
	r.kernel.with(func() { r.set = settings })
	r.links.Publish(event.Link{
		Seq: 2, Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1},
		LinkLocal6: netip.MustParseAddr("fe80::1"), Primary4: netip.MustParseAddr("192.0.2.11"),
	})
	synctest.Wait()
	return r
}

// claims has a station say that it has an address.
func (r *rig) claim(a netip.Prefix, mac [6]byte) {
	r.listener.seen <- neigh.Sighting{Index: eth0, Address: a.Addr(), MAC: mac, Answer: true, At: time.Now()}
	synctest.Wait()
}

// conflicts are the subjects of the warnings in force.
func (r *rig) conflicts() string {
	var all []string
	for _, w := range r.cfg.Warnings.Of("a") {
		all = append(all, w.Subject)
	}
	return strings.Join(all, " ")
}

// The Active probes for what it holds, after the former Active gave it up, and again:
// by ARP without a sender, which changes no neighbor's mind, and by solicitations.
func TestHeldAddressesAreProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := conflictRig(t, nil)
		r.do(Hold, "a")
		r.packets.take()
		r.pass(probeAfter + 100*time.Millisecond)
		if got := len(r.packets.take()); got != 2 {
			t.Errorf("%d probes, want one of each family", got)
		}
		r.pass(probeEvery)
		if got := len(r.packets.take()); got != 2 {
			t.Errorf("%d probes later, want one of each family", got)
		}
		r.do(Release, "a")
		r.pass(2 * probeEvery)
		expect(t, "after the release", len(r.packets.take()), 0)
	})
}

// Another station that has a held address is reported when it has been asked again,
// once, and it is over when it answers no more.
func TestClaimIsAConflict(t *testing.T) {
	for _, a := range []netip.Prefix{vip4, vip6} {
		synctest.Test(t, func(t *testing.T) {
			r := conflictRig(t, nil)
			r.claim(a, otherMAC) // the Active, while we are Backup
			r.do(Hold, "a")
			r.pass(time.Second)
			r.claim(a, otherMAC) // its last word
			r.pass(5 * time.Second)
			expect(t, "an address that changes hands", r.conflicts(), "")
			r.claim(a, [6]byte{2, 0, 0, 0, 0, 1}) // our own
			r.pass(time.Second)
			r.claim(a, [6]byte{2, 0, 0, 0, 0, 1})
			expect(t, "our own", r.conflicts(), "")

			r.names()
			r.packets.take()
			r.claim(a, otherMAC)
			r.pass(confirmAfter + 100*time.Millisecond)
			if len(r.packets.take()) == 0 {
				t.Error("a claim is not asked for again")
			}
			r.claim(a, otherMAC)
			expect(t, "a station that has it", r.conflicts(), a.Addr())
			for range 100 {
				r.claim(a, otherMAC)
				r.pass(100 * time.Millisecond)
			}
			expect(t, "events", r.names(), "conflict")
			r.pass(conflictOver + 2*time.Second)
			expect(t, "given up", r.conflicts(), "")
			expect(t, "events", r.names(), "instance.warning")

			r.claim(a, otherMAC)
			r.pass(confirmAfter)
			r.claim(a, otherMAC)
			expect(t, "again", r.conflicts(), a.Addr())
			r.do(Release, "a")
			expect(t, "released", r.conflicts(), "")
		})
	}
}

// An address that stands on this machine while its instance is not held is reported,
// where it answers.
func TestStrayAddress(t *testing.T) {
	for _, c := range []struct {
		name     string
		index    int
		prefix   netip.Prefix
		settings map[string]string
		want     bool
	}{
		{"on the interface", eth0, vip4, nil, true},
		{"on the interface, of another length", eth0, netip.PrefixFrom(vip4.Addr(), 32), nil, true},
		{"on the interface, IPv6", eth0, vip6, nil, true},
		{"on another", 3, vip4, map[string]string{"ipv4/conf/all/arp_ignore": "0", "ipv4/conf/eth0/arp_ignore": "0"}, true},
		{"on another, which the interface does not answer for", 3, vip4, map[string]string{"ipv4/conf/all/arp_ignore": "0", "ipv4/conf/eth0/arp_ignore": "1"}, false},
		{"on another, IPv6", 3, vip6, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := conflictRig(t, c.settings, Standing{c.index, c.prefix, false})
				r.links.Publish(event.Link{Seq: 3, Name: "lo", Index: 3, AdminUp: true})
				r.pass(strayAfter + 100*time.Millisecond)
				want := ""
				if c.want {
					want = c.prefix.Addr().String()
				}
				expect(t, "as Backup", r.conflicts(), want)
				r.do(Hold, "a")
				expect(t, "while it is held", r.conflicts(), "")
				r.do(Release, "a")
				r.pass(time.Second)
				expect(t, "released", r.conflicts(), want)
				key := event.AddressKey{Index: c.index, Prefix: c.prefix}
				r.kernel.with(func() { r.kernel.drop(key) })
				r.pass(100 * time.Millisecond)
				expect(t, "removed", r.conflicts(), "")
			})
		})
	}
}
