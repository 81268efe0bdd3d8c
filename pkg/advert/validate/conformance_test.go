package validate

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// conform gives a packet to an acceptor and compares the verdict, the counters and the events, as
// "event reason-or-what".
func conform(t *testing.T, p Packet, valid bool, counts, told string, instances ...vrrp.Instance) {
	t.Helper()
	b := newBench(instances...)
	v := b.Accept(&p, t0)
	if believed := v.Valid && !v.Heard.Invalid; believed != valid {
		t.Errorf("valid %v, want %v", believed, valid)
	}
	got := strings.TrimSpace(counters(b.stats[instances[0].Name]) + " " + counters(b.unknown))
	if got != counts {
		t.Errorf("counted %q, want %q", got, counts)
	}
	var said []string
	for _, e := range v.Events {
		switch e := e.(type) {
		case event.AdvertRejected:
			said = append(said, "rejected "+e.Reason)
		case event.AdvertMismatch:
			said = append(said, "mismatch "+e.What)
		}
	}
	if got := strings.Join(said, ", "); got != told {
		t.Errorf("events %q, want %q", got, told)
	}
}

// TestRFC9568Receiving has the sentences of RFC 9568 §7.1 with its errata, each with the result
// for an advert that violates it. test/conformance is their index.
func TestRFC9568Receiving(t *testing.T) {
	valid := "advertisement_rcvd=1 checksum_pseudo_header=1"
	change := func(f func(*wire.Advert)) Packet {
		a := advert4()
		f(&a)
		return packet4(a)
	}
	damaged := packet4(advert4())
	damaged.Data[len(damaged.Data)-1]++
	ttl := packet4(advert4())
	ttl.Data[8] = 254
	short := packet4(advert4())
	short.Data = ipv4(peer4, wire.Group4, 255, short.Data[20:len(short.Data)-1])
	owner := virtual4()
	owner.Priority = vrrp.Owner
	six := wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr("2001:db8::1")}}
	for _, c := range []struct {
		sentence string
		packet   Packet
		valid    bool
		counts   string
		told     string
		ours     vrrp.Instance
	}{
		{"all is well", packet4(advert4()), true, valid, "", virtual4()},
		{"MUST verify that the TTL or Hop Limit is 255", ttl, false, "ip_ttl_errors=1", "rejected ip-ttl-error", virtual4()},
		{"MUST verify the VRRP version is 3", raw4(255, 0x41, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100), false,
			"version_errors=1", "rejected version-error", virtual4()},
		{"MUST verify that the packet type is 1", raw4(255, 0x32, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100), false,
			"invalid_type_pkts_rcvd=1", "rejected type", virtual4()},
		{"MUST verify that the packet is complete", short, false, "packet_length_errors=1", "rejected packet-length-error", virtual4()},
		{"MUST verify the checksum", damaged, false, "checksum_errors=1", "rejected checksum-error", virtual4()},
		{"MUST verify that the VRID is configured on the receiving interface", change(func(a *wire.Advert) { a.VRID = 52 }), false,
			"vrid_errors=1", "rejected vrid-error", virtual4()},
		{"erratum 8298: SHOULD verify that the local router is not the owner, and log", change(func(a *wire.Advert) { a.Priority = 255 }), true,
			"advertisement_rcvd=1 owner_conflicts=1 checksum_pseudo_header=1", "mismatch owner-conflict", owner},
		{"erratum 8299: MUST verify that the count is not 0", raw4(255, 0x31, 51, 200, 0, 0, 100, 0, 0), false,
			"count_zero_errors=1", "rejected count-zero", virtual4()},
		{"erratum 8301: MUST verify that the interval is not 0", raw4(255, 0x31, 51, 200, 1, 0, 0, 0, 0, 192, 0, 2, 100), false,
			"interval_zero_errors=1", "rejected interval-zero", virtual4()},
		{"erratum 8300, RELAXED: first address link-local; counted, logged and kept", packet6(six), true,
			"advertisement_rcvd=1 address_list_errors=1 first_not_link_local=1", "mismatch addresses, mismatch first-not-link-local", virtual6()},
		{"MAY verify that the addresses match; SHOULD log", change(func(a *wire.Advert) { a.Addresses = []netip.Addr{peer4} }), true,
			"advertisement_rcvd=1 address_list_errors=1 checksum_pseudo_header=1", "mismatch addresses", virtual4()},
		{"SHOULD log an interval that is not our own; it is learned", change(func(a *wire.Advert) { a.Interval = 3 * time.Second }), true,
			"advertisement_rcvd=1 interval_errors=1 checksum_pseudo_header=1", "mismatch interval", virtual4()},
		{"§5.2.8: the checksum covers the message; the field adds a pseudo-header: both are accepted [N1]",
			change(func(a *wire.Advert) { a.Checksum = wire.MessageOnly }), true,
			"advertisement_rcvd=1 checksum_message_only=1", "mismatch checksum", virtual4()},
	} {
		t.Run(c.sentence, func(t *testing.T) { conform(t, c.packet, c.valid, c.counts, c.told, c.ours) })
	}
}

// TestHoloPacketErrors has Holo's packet-error1, 2 and 3: the packets that its rt2 of the
// topology v2-topo1-1 rejects, and RFC 8347's names for the errors.
func TestHoloPacketErrors(t *testing.T) {
	rt2 := virtual4()
	rt2.Version, rt2.VRID, rt2.Priority, rt2.Addresses = wire.V2, 1, 20, []netip.Addr{netip.MustParseAddr("10.0.1.5")}
	advert := wire.Advert{Version: wire.V2, VRID: 1, Priority: 30, Interval: time.Second, Addresses: rt2.Addresses}
	t.Run("packet-error1, a version that is unknown", func(t *testing.T) {
		conform(t, raw4(255, 0x41, 1, 30, 1, 0, 1, 0, 0, 10, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0), false, "version_errors=1", "rejected version-error", rt2)
	})
	t.Run("packet-error2, v2 with interval 99", func(t *testing.T) {
		a := advert
		a.Interval = 99 * time.Second
		conform(t, packet4(a), false, "interval_errors=1", "rejected interval-error", rt2)
	})
	t.Run("packet-error3, VRID 100", func(t *testing.T) {
		a := advert
		a.VRID = 100
		conform(t, packet4(a), false, "vrid_errors=1", "rejected vrid-error", rt2)
	})
	t.Run("CORRECTED for v3, where Holo drops it: interval 99 is learned", func(t *testing.T) {
		ours, a := rt2, advert
		ours.Version, a.Version, a.Interval = wire.V3, wire.V3, 990*time.Millisecond
		conform(t, packet4(a), true, "advertisement_rcvd=1 interval_errors=1 checksum_pseudo_header=1", "mismatch interval", ours)
	})
}

// TestVPPOversizedAddrlist checks an advert for VRID 255 with 255 addresses. Without an instance
// it is rejected; with one, the reported list has all addresses.
func TestVPPOversizedAddrlist(t *testing.T) {
	a := wire.Advert{VRID: 255, Priority: 100, Interval: time.Second}
	for i := range 255 {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	conform(t, packet4(a), false, "vrid_errors=1", "rejected vrid-error", virtual4())
	ours := virtual4()
	ours.VRID = 255
	conform(t, packet4(a), true, "advertisement_rcvd=1 address_list_errors=1 checksum_pseudo_header=1", "mismatch addresses", ours)
}
