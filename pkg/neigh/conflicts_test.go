package neigh

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestHeldAddressesAreProbed: the Active probes its addresses after the former Active removed them,
// and again later: by ARP without a sender, which changes no neighbor's table, and by
// solicitations.
func TestHeldAddressesAreProbed(t *testing.T) {
	probes := []string{
		fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, netip.IPv4Unspecified(), vip4)),
		fmt.Sprintf("%d:%x", eth0, wire.AppendNS(nil, ownMAC, own6, vip6)),
	}
	r := newRig(t, onLink())
	r.hold()
	r.pass(probeAfter - time.Millisecond)
	expect(t, "before", r.take(), "[]")
	r.pass(time.Millisecond)
	expect(t, "probes", r.take(), probes)
	r.pass(probeEvery)
	expect(t, "again", r.take()[:2], probes)
	r.missing["a"] = true
	r.take()
	r.pass(probeEvery)
	for _, f := range r.take() {
		if f == probes[0] || f == probes[1] {
			t.Error("an address that is not in place is probed")
		}
	}
	r.release()
	r.pass(2 * probeEvery)
	expect(t, "after the release", r.take(), "[]")
}

// TestClaimIsAConflict: another station that has a held address is reported once, after it was
// asked again, and the conflict is over when it does not answer any more.
func TestClaimIsAConflict(t *testing.T) {
	for _, a := range []netip.Addr{vip4, vip6} {
		r := newRig(t, onLink())
		r.claim(a, otherMAC) // the Active's, while we are Backup
		r.hold()
		r.pass(time.Second)
		r.claim(a, otherMAC) // its last answer
		r.pass(5 * time.Second)
		expect(t, "an address that changes hands", r.warned(), "")
		r.claim(a, ownMAC)
		r.pass(time.Second)
		r.claim(a, ownMAC)
		expect(t, "our own", r.warned(), "")

		r.take()
		r.claim(a, otherMAC)
		r.pass(confirmAfter)
		expect(t, "a claim is asked for again", len(r.take()), 1)
		r.claim(a, otherMAC)
		expect(t, "a station that has it", r.warned(), "address-conflict "+a.String())
		for range 100 {
			r.claim(a, otherMAC)
			r.pass(100 * time.Millisecond)
		}
		expect(t, "events", r.takeEvents(), "address.conflict")
		r.pass(conflictOver + 2*time.Second)
		expect(t, "given up", r.warned(), "")
		expect(t, "events", r.takeEvents(), "instance.warning")

		r.claim(a, otherMAC)
		r.pass(confirmAfter)
		r.claim(a, otherMAC)
		expect(t, "again", r.warned(), "address-conflict "+a.String())
		r.release()
		expect(t, "released", r.warned(), "")
	}
}

// TestClaimOfAVirtualMAC: the routers of an instance share its virtual MAC, so a claim with it is
// not a conflict; a claim with another MAC is, whether it is received on the device or on the link
// below.
func TestClaimOfAVirtualMAC(t *testing.T) {
	for _, index := range []int{eth0, device} {
		r := newRig(t, onDevice())
		r.hold()
		claims := func(mac [6]byte) {
			for range 3 {
				r.sight(Sighting{Index: index, Address: vip4, MAC: mac, Answer: true})
				r.pass(time.Second)
			}
		}
		claims(virtualMAC)
		expect(t, "the virtual MAC", r.warned(), "")
		claims(otherMAC)
		expect(t, "another MAC", r.warned(), "address-conflict "+vip4.String())
	}
}

// TestStrayAddress requires that an address that is on this machine while its instance is not held
// is reported if it answers.
func TestStrayAddress(t *testing.T) {
	const lo = 3
	for _, c := range []struct {
		name     string
		index    int
		prefix   string
		settings map[string]string
		want     bool
	}{
		{"on the interface", eth0, "192.0.2.1/24", nil, true},
		{"on the interface, of another length", eth0, "192.0.2.1/32", nil, true},
		{"on the interface, IPv6", eth0, "2001:db8::1/64", nil, true},
		{"on another", lo, "192.0.2.1/24", map[string]string{"ipv4/conf/all/arp_ignore": "0", "ipv4/conf/eth0/arp_ignore": "0"}, true},
		{"on another, which the interface does not answer for", lo, "192.0.2.1/24", map[string]string{"ipv4/conf/all/arp_ignore": "0", "ipv4/conf/eth0/arp_ignore": "1"}, false},
		{"on another, IPv6", lo, "2001:db8::1/64", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, onLink())
			r.settings = c.settings
			prefix := netip.MustParsePrefix(c.prefix)
			r.Link(event.Link{Name: "lo", Index: lo, AdminUp: true})
			r.strays[prefix.Addr()] = Stray{c.index, prefix}
			r.pass(strayAfter - time.Millisecond)
			expect(t, "at first", r.warned(), "")
			want := ""
			if c.want {
				want = "address-conflict " + prefix.Addr().String()
			}
			r.pass(time.Millisecond)
			expect(t, "as Backup", r.warned(), want)
			r.hold()
			expect(t, "while it is held", r.warned(), "")
			r.release()
			expect(t, "released", r.warned(), want)
			clear(r.strays)
			r.pass(0)
			expect(t, "removed", r.warned(), "")
			r.strays[prefix.Addr()] = Stray{c.index, prefix}
			r.pass(0)
			expect(t, "found again", r.warned(), "")
			r.strays[prefix.Addr()] = Stray{99, prefix}
			r.pass(strayAfter / 2)
			r.strays[prefix.Addr()] = Stray{c.index, prefix}
			r.pass(strayAfter / 2)
			expect(t, "found elsewhere meanwhile", r.warned(), "")
		})
	}
}

// TestOwnersAddressIsNoStray: the addresses of an owner are those of its machine, and not strays.
func TestOwnersAddressIsNoStray(t *testing.T) {
	set := onLink()
	set.Owner = true
	r := newRig(t, set)
	r.strays[vip4] = Stray{eth0, netip.PrefixFrom(vip4, 24)}
	r.pass(2 * strayAfter)
	expect(t, "warned", r.warned(), "")
}
