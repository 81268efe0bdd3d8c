package neigh

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestConfigureKeepsStations requires that the stations of a link outlive a new configuration,
// except one whose address now belongs to an instance.
func TestConfigureKeepsStations(t *testing.T) {
	r := newRig(t, onLink())
	r.sight(Sighting{Index: eth0, Address: host4, MAC: otherMAC})
	r.sight(Sighting{Index: eth0, Address: host6, MAC: otherMAC})
	r.Ask("eth0")
	r.pass(0)
	more := onLink()
	more.Group = netip.MustParseAddr("224.0.0.18")
	r.Configure(r.now, []Set{more, {Instance: "b", Link: "eth1", Addresses: []Address{{Addr: host6, Link: "eth1"}}}})
	r.Link(event.Link{Name: "eth1", Index: 9, AdminUp: true, Usable: true, HardwareAddr: ownMAC, Primary4: own4, LinkLocal6: own6})
	r.sight(Sighting{Index: eth0, Address: host4, MAC: otherMAC, Answer: true})
	expect(t, "the answer to what was asked before", len(r.forwards), 1)
	r.take()
	r.Ask("eth0", "eth1")
	r.pass(0)
	expect(t, "two reports, and a question to one station", len(r.take()), 3)
	r.sight(Sighting{Index: 9, Address: netip.MustParseAddr("192.0.2.77"), MAC: otherMAC})
	r.Ask("eth1")
	r.pass(0)
	expect(t, "questions on the new link", len(r.take()), 1)

	r.Configure(r.now, nil)
	r.sight(Sighting{Index: eth0, Address: host4, MAC: otherMAC})
	r.Ask("eth0", "eth1")
	r.take()
	r.pass(time.Minute)
	expect(t, "without instances", len(r.take()), 0)
}

// TestConfigureKeepsConflicts requires that a conflict lasts as long as its address is configured,
// whatever else changes.
func TestConfigureKeepsConflicts(t *testing.T) {
	r := newRig(t, onLink())
	r.hold()
	for range 3 {
		r.claim(vip4, otherMAC)
		r.claim(vip6, otherMAC)
		r.pass(confirmAfter)
	}
	expect(t, "in conflict", r.warned(), "address-conflict 192.0.2.1, address-conflict 2001:db8::1")
	six := onLink()
	six.Addresses = six.Addresses[1:]
	r.Configure(r.now, []Set{six})
	expect(t, "one is gone", r.warned(), "address-conflict 2001:db8::1")
	r.pass(time.Second)
	expect(t, "and the other stays", r.warned(), "address-conflict 2001:db8::1")
	r.take()
	r.Configure(r.now, []Set{onLink()})
	r.pass(probeAfter)
	if n := len(r.take()); n < 2 {
		t.Errorf("%d probes, though an address is new", n)
	}
	r.Configure(r.now, nil)
	expect(t, "all are gone", r.warned(), "")
	r.release()
	r.pass(time.Minute)
}

// TestConfigureEndsWarnings requires that a warning about an instance on a link or at a MAC ends
// when the instance leaves it.
func TestConfigureEndsWarnings(t *testing.T) {
	for _, c := range []struct {
		name  string
		links []int // on which a station answers
		next  []Set
		want  string
	}{
		{"the same", []int{eth0}, []Set{onDevice()}, "proxy-arp eth0, unreached eth0"},
		{"another MAC", []int{eth0}, []Set{onLink()}, "proxy-arp eth0"},
		{"none", []int{eth0}, nil, ""},
		{"unheard", nil, []Set{onDevice()}, "proxy-arp eth0, unheard eth0"},
		{"unheard, and another MAC", nil, []Set{onLink()}, "proxy-arp eth0, unheard eth0"},
		{"unheard, and another link", nil, []Set{{Instance: "a", Link: "eth1"}}, ""},
		{"unheard, and none", nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, onDevice())
			r.settings = map[string]string{"ipv4/conf/eth0/proxy_arp": "1"}
			r.sight(Sighting{Index: eth0, Address: host4, MAC: otherMAC})
			r.hold()
			r.answering(2*time.Minute, c.links...)
			before := r.warned()
			r.Configure(r.now, c.next)
			expect(t, "before: "+before, r.warned(), c.want)
			r.settings = nil
			r.Configure(r.now, nil)
			r.release()
			r.pass(time.Minute)
			expect(t, "left", r.warned(), "")
		})
	}
}
