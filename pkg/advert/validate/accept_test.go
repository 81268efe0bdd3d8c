package validate

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

var (
	t0       = adverttest.T0
	peer4    = adverttest.Peer4
	own4     = adverttest.Own4
	peer6    = adverttest.Peer6
	vip4     = adverttest.VIP4
	vip6     = adverttest.VIP6
	virtual4 = adverttest.Virtual4
	virtual6 = adverttest.Virtual6
	each     = adverttest.Each
	advert4  = adverttest.Advert4
	ipv4     = adverttest.IPv4
)

// virtual2 returns virtual4 with VRRPv2 and a password.
func virtual2() vrrp.Instance {
	in := virtual4()
	in.Name, in.Version, in.Auth = "v2", wire.V2, wire.Password("secret")
	return in
}

// bench is an acceptor and its counters.
type bench struct {
	*Acceptor
	stats   stats.Map
	unknown *stats.Counters
}

func newBench(instances ...vrrp.Instance) *bench {
	b := &bench{stats: stats.Map{}, unknown: &stats.Counters{}}
	for _, in := range instances {
		b.stats[in.Name] = &stats.Counters{}
	}
	b.Acceptor = New(each(instances), b.stats, b.unknown, event.NewMinter(0), nil)
	b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, LinkLocal6: netip.MustParseAddr("fe80::1")})
	return b
}

func packet4(a wire.Advert) Packet {
	return Packet{
		Interface: "eth0", Family: event.IPv4, At: t0,
		Data: ipv4(peer4, wire.Group4, 255, a.Append(nil, peer4, wire.Group4)),
	}
}

func packet6(a wire.Advert) Packet {
	return Packet{
		Interface: "eth0", Family: event.IPv6, At: t0,
		Path: wire.Path{Source: peer6, Dest: wire.Group6, HopLimit: 255},
		Data: a.Append(nil, peer6, wire.Group6),
	}
}

// raw4 returns a packet with a valid checksum, whatever the message contains.
func raw4(ttl uint8, message ...byte) Packet {
	message = append([]byte(nil), message...)
	if len(message) >= 8 {
		message[6], message[7] = 0, 0
		total := uint32(0)
		for i := 0; i+1 < len(message); i += 2 {
			total += uint32(binary.BigEndian.Uint16(message[i:]))
		}
		for total > 0xffff {
			total = total>>16 + total&0xffff
		}
		binary.BigEndian.PutUint16(message[6:], ^uint16(total))
	}
	return Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(peer4, wire.Group4, ttl, message)}
}

func counters(s *stats.Counters) string {
	var out []string
	for c := range stats.All {
		if n := s.Get(c); n > 0 {
			out = append(out, fmt.Sprintf("%v=%d", c, n))
		}
	}
	return strings.Join(out, " ")
}

func TestAcceptValid(t *testing.T) {
	for _, c := range []struct {
		name   string
		packet Packet
		want   vrrp.Heard
		counts string
	}{
		{"IPv4", packet4(advert4()), vrrp.Heard{Instance: "v4", Source: peer4, Priority: 200, Interval: time.Second}, "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"IPv6", packet6(wire.Advert{VRID: 51, Priority: 0, Interval: time.Second, Addresses: []netip.Addr{vip6}}),
			vrrp.Heard{Instance: "v6", Source: peer6, Interval: time.Second}, "advertisement_rcvd=1 priority_zero_pkts_rcvd=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(virtual4(), virtual6())
			v := b.Accept(&c.packet, t0.Add(time.Millisecond))
			if !v.Valid || len(v.Events) != 0 {
				t.Fatalf("%+v", v)
			}
			if v.Heard.Cause.Trace == 0 || !v.Heard.Cause.At.Equal(t0) {
				t.Errorf("cause %+v, want one at the instant of receipt", v.Heard.Cause)
			}
			v.Heard.Cause = event.Cause{}
			if v.Heard != c.want {
				t.Errorf("heard %+v, want %+v", v.Heard, c.want)
			}
			if got := counters(b.stats[v.Heard.Instance]); got != c.counts {
				t.Errorf("counters %s, want %s", got, c.counts)
			}
		})
	}
}

// TestAcceptLadder gives each check a packet that fails it and the next one: the counter that is
// incremented shows the order (RFC 9568 §7.1).
func TestAcceptLadder(t *testing.T) {
	mine, alien := byte(51), byte(99)
	ip := []byte{192, 0, 2, 100}
	message := func(version, vrid, count byte, interval byte, rest ...byte) []byte {
		return append([]byte{version, vrid, 200, count, 0, interval, 0, 0}, rest...)
	}
	spoiled := func(p Packet) Packet {
		p.Data[len(p.Data)-1]++
		return p
	}
	cut := func(p Packet) Packet {
		p.Truncated = true
		return p
	}
	for _, c := range []struct {
		name   string
		packet Packet
		reason wire.Reason
		counts string
		ours   bool
	}{
		{"header, ttl", Packet{Interface: "eth0", Family: event.IPv4, Data: make([]byte, 19)}, wire.IPHeaderError, "packet_length_errors=1", false},
		{"ttl, truncated", cut(raw4(254, 0x31, mine)), wire.IPTTLError, "ip_ttl_errors=1", true},
		{"truncated by the buffer, version", cut(raw4(255, message(0x21, mine, 2, 100, ip...)...)), wire.Truncated, "packet_length_errors=1", true},
		{"truncated, version", raw4(255, 0x21, mine), wire.Truncated, "packet_length_errors=1", true},
		{"version, type", raw4(255, message(0x42, mine, 1, 100, ip...)...), wire.VersionError, "version_errors=1", true},
		{"type, length", raw4(255, message(0x32, mine, 2, 100, ip...)...), wire.TypeError, "invalid_type_pkts_rcvd=1", true},
		{"length, checksum", spoiled(raw4(255, message(0x31, mine, 2, 100, ip...)...)), wire.PacketLengthError, "packet_length_errors=1", true},
		{"checksum, vrid", spoiled(raw4(255, message(0x31, alien, 1, 100, ip...)...)), wire.ChecksumError, "checksum_errors=1", false},
		{"checksum", spoiled(raw4(255, message(0x31, mine, 1, 100, ip...)...)), wire.ChecksumError, "checksum_errors=1", true},
		{"vrid, count", raw4(255, message(0x31, alien, 0, 100)...), wire.VRIDError, "vrid_errors=1", false},
		{"count, interval", raw4(255, message(0x31, mine, 0, 0)...), wire.CountZero, "count_zero_errors=1", true},
		{"interval", raw4(255, message(0x31, mine, 1, 0, ip...)...), wire.IntervalZero, "interval_zero_errors=1", true},
		{"a v2 trailer is a wrong length", raw4(255, append(message(0x31, mine, 1, 100, ip...), make([]byte, 8)...)...), wire.PacketLengthError, "packet_length_errors=1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(virtual4(), virtual6())
			v := b.Accept(&c.packet, t0)
			if v.Valid && !(v.Rejected && v.Heard.Invalid) || len(v.Events) != 1 {
				t.Fatalf("%+v", v)
			}
			e := v.Events[0].(event.AdvertRejected)
			if e.Reason != string(c.reason) || e.Count != 1 || e.Interface != "eth0" || (e.Instance == "v4") != c.ours {
				t.Errorf("%+v, want reason %s", e, c.reason)
			}
			unknown, ours := counters(b.unknown), counters(b.stats["v4"])
			if !c.ours {
				unknown, ours = ours, unknown
			}
			if ours != c.counts || unknown != "" {
				t.Errorf("counted %q and elsewhere %q, want %q", ours, unknown, c.counts)
			}
		})
	}
}

// TestAcceptBare checks that an instance without addresses accepts adverts without any, which all
// others reject, and that an advert with addresses counts as different from its configuration,
// not as another virtual router.
func TestAcceptBare(t *testing.T) {
	bare := virtual4()
	bare.Addresses = nil
	for _, c := range []struct {
		name   string
		change func(*wire.Advert)
		valid  bool
		counts string
	}{
		{"none", func(a *wire.Advert) { a.Addresses = nil }, true, "advertisement_rcvd=1 checksum_message_only=1"},
		{"none, and interval 0", func(a *wire.Advert) { a.Addresses, a.Interval = nil, 0 }, false, "interval_zero_errors=1"},
		{"one", func(*wire.Advert) {}, true, "advertisement_rcvd=1 address_list_errors=1 checksum_message_only=1"},
	} {
		b := newBench(bare)
		a := advert4()
		c.change(&a)
		m := []byte{0x31, a.VRID, a.Priority, byte(len(a.Addresses)), 0, byte(a.Interval / (10 * time.Millisecond)), 0, 0}
		for _, ip := range a.Addresses {
			m = append(m, ip.AsSlice()...)
		}
		p := raw4(255, m...)
		v := b.Accept(&p, t0)
		if v.Valid && !v.Rejected != c.valid || v.Heard.Invalid == c.valid || counters(b.stats["v4"]) != c.counts {
			t.Errorf("%s: %+v, counted %q", c.name, v, counters(b.stats["v4"]))
		}
		for _, e := range v.Events {
			if _, warned := e.(event.Warning); warned {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
	}
}

// TestAcceptV2 checks the rules that only VRRPv2 has (RFC 3768 §7.1), each with an advert that
// also fails the next check.
func TestAcceptV2(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*wire.Advert)
		reason wire.Reason
		counts string
	}{
		{"valid", func(*wire.Advert) {}, "", "advertisement_rcvd=1"},
		{"valid, priority 0", func(a *wire.Advert) { a.Priority = 0 }, "", "advertisement_rcvd=1 priority_zero_pkts_rcvd=1"},
		{"MUST verify that the Auth Type matches", func(a *wire.Advert) { a.Auth, a.Interval = wire.Auth{}, 2*time.Second },
			wire.AuthTypeMismatch, "auth_type_mismatch=1"},
		{"RFC 2338: MUST verify that the password matches", func(a *wire.Advert) { a.Auth, a.Interval = wire.Password("Secret"), 2*time.Second },
			wire.AuthFailure, "auth_failures=1"},
		{"MUST verify that the Adver Interval is the same as the locally configured", func(a *wire.Advert) { a.Interval = 2 * time.Second },
			wire.IntervalError, "interval_errors=1"},
		{"MAY verify the IP addresses: we do not", func(a *wire.Advert) { a.Addresses = []netip.Addr{own4} }, "", "advertisement_rcvd=1 address_list_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(virtual2())
			a := advert4()
			a.Version, a.Auth = wire.V2, wire.Password("secret")
			c.change(&a)
			p := packet4(a)
			v := b.Accept(&p, t0)
			if v.Valid != (c.reason == "") || v.Valid && v.Heard.Version != wire.V2 {
				t.Fatalf("%+v", v)
			}
			if !v.Valid {
				if e := v.Events[0].(event.AdvertRejected); e.Reason != string(c.reason) || e.Instance != "v2" {
					t.Errorf("%+v, want reason %s", e, c.reason)
				}
			}
			if got := counters(b.stats["v2"]); got != c.counts || counters(b.unknown) != "" {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
		})
	}
	b := newBench(virtual2())
	p := raw4(255, append([]byte{0x21, 51, 200, 1, 2, 1, 0, 0, 192, 0, 2, 100}, make([]byte, 8)...)...)
	if v := b.Accept(&p, t0); v.Valid || counters(b.stats["v2"]) != "invalid_auth_type=1" {
		t.Errorf("an unknown Auth Type: %+v, counted %s", v, counters(b.stats["v2"]))
	}
}

// TestAcceptTheOtherVersion checks that an advert of the other version is rejected but heard, if
// it is valid in its own version [N9].
func TestAcceptTheOtherVersion(t *testing.T) {
	two := advert4()
	two.Version, two.Interval, two.Auth = wire.V2, 7*time.Second, wire.Password("unknown to us")
	three := advert4()
	three.Interval = 70 * time.Millisecond
	spoiled := func(p Packet) Packet {
		p.Data[len(p.Data)-1]++
		return p
	}
	count := func(first byte, n int) Packet {
		return raw4(255, append([]byte{first, 51, 200, 0, 0, 1, 0, 0}, make([]byte, n)...)...)
	}
	for _, c := range []struct {
		name   string
		ours   vrrp.Instance
		packet Packet
		heard  wire.Version
		valid  bool
		counts string
	}{
		{"v2 at a v3 router", virtual4(), packet4(two), wire.V2, true, "version_errors=1"},
		{"v3 at a v2 router", virtual2(), packet4(three), wire.V3, true, "version_errors=1"},
		{"a bad v2 at a v3 router", virtual4(), spoiled(packet4(two)), 0, false, "checksum_errors=1"},
		{"a bad v3 at a v2 router", virtual2(), spoiled(packet4(three)), 0, false, "checksum_errors=1"},
		{"v2 without addresses at a v3 router", virtual4(), count(0x21, 8), wire.V2, true, "count_zero_errors=1"},
		{"v3 without addresses at a v2 router", virtual2(), count(0x31, 0), wire.V3, true, "count_zero_errors=1"},
		{"v2 over IPv6", virtual6(), Packet{
			Interface: "eth0", Family: event.IPv6, Path: wire.Path{Source: peer6, Dest: wire.Group6, HopLimit: 255},
			Data: []byte{0x21, 51, 200, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		}, 0, false, "version_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(c.ours)
			v := b.Accept(&c.packet, t0)
			if v.Valid != c.valid || v.Valid && (v.Heard.Version != c.heard || v.Heard.Instance != c.ours.Name || v.Heard.Source != peer4) {
				t.Errorf("%+v", v)
			}
			if got := counters(b.stats[c.ours.Name]); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if len(v.Events) != 1 || v.Events[0].Name() != "advert.rejected" {
				t.Errorf("events %+v", v.Events)
			}
		})
	}
}

// TestAcceptDistinguishesVirtualRouters checks that an advert is compared only with instances of
// its family and link.
func TestAcceptDistinguishesVirtualRouters(t *testing.T) {
	elsewhere := virtual4()
	elsewhere.Name, elsewhere.Interface = "other", "eth1"
	b := newBench(virtual6(), elsewhere) // VRID 51 twice, but not over IPv4 on eth0
	p := packet4(advert4())
	if v := b.Accept(&p, t0); v.Valid || counters(b.unknown) != "vrid_errors=1" {
		t.Errorf("%+v, counted %s", v, counters(b.unknown))
	}
	p.Interface = "eth1"
	if v := b.Accept(&p, t0); v.Heard.Instance != "other" {
		t.Errorf("%+v", v)
	}
}

func TestAcceptDropsItsOwnSilently(t *testing.T) {
	b := newBench(virtual4())
	a := advert4()
	p := packet4(a)
	p.Data = ipv4(own4, wire.Group4, 255, a.Append(nil, own4, wire.Group4))
	if v := b.Accept(&p, t0); v.Valid || len(v.Events) != 0 || counters(b.stats["v4"])+counters(b.unknown) != "" {
		t.Errorf("%+v", v)
	}
}

func TestReceivedTakesTheAgeOnly(t *testing.T) {
	for _, c := range []struct{ stamp, want time.Duration }{
		{-3 * ms, -3 * ms},
		{0, 0},
		{time.Hour, 0},        // the wall clock was set back
		{-time.Hour, -maxAge}, // or forward
	} {
		if got := Received(t0, t0.Add(c.stamp)).Sub(t0); got != c.want {
			t.Errorf("stamp %v before now: %v, want %v", -c.stamp, got, c.want)
		}
	}
}

func TestAcceptAllocatesNothing(t *testing.T) {
	b := newBench(virtual4())
	p := packet4(advert4())
	if allocs := testing.AllocsPerRun(1000, func() { b.Accept(&p, t0) }); allocs != 0 {
		t.Errorf("%v allocations for a valid advert", allocs)
	}
	b = newBench(virtual2())
	b.Accept(&p, t0) // the first one is reported
	if allocs := testing.AllocsPerRun(1000, func() { b.Accept(&p, t0) }); allocs != 0 {
		t.Errorf("%v allocations for an advert of the other version", allocs)
	}
}

func BenchmarkAccept(b *testing.B) {
	bench := newBench(virtual4())
	p := packet4(advert4())
	b.ReportAllocs()
	for b.Loop() {
		bench.Accept(&p, t0)
	}
}

// FuzzAccept checks that every accepted packet belongs to one of our virtual routers, with a
// positive interval and an address, and that all others are counted, including those of the other
// version.
func FuzzAccept(f *testing.F) {
	good := packet4(advert4())
	f.Add(good.Data, true, false, 255)
	f.Add(packet6(wire.Advert{VRID: 51, Priority: 1, Interval: time.Second, Addresses: []netip.Addr{vip6}}).Data, false, false, 255)
	two := advert4()
	two.Version = wire.V2
	f.Add(packet4(two).Data, true, false, 255)
	f.Add([]byte{0x45}, true, true, 255)
	f.Fuzz(func(t *testing.T, data []byte, four, truncated bool, hops int) {
		b := newBench(virtual4(), virtual6())
		p := Packet{Interface: "eth0", Family: event.IPv4, Data: data, Truncated: truncated, At: t0}
		if !four {
			p.Family, p.Path = event.IPv6, wire.Path{Source: peer6, Dest: wire.Group6, HopLimit: hops}
		}
		v := b.Accept(&p, t0)
		if v.Valid && v.Heard.Version == wire.V3 {
			if v.Heard.Interval <= 0 && !v.Heard.Invalid || b.stats[v.Heard.Instance] == nil || truncated {
				t.Fatalf("accepted %+v", v.Heard)
			}
			return
		}
		all := counters(b.unknown) + counters(b.stats["v4"]) + counters(b.stats["v6"])
		if (all == "") != (len(v.Events) == 0) {
			t.Fatalf("counted %q, events %v", all, v.Events)
		}
	})
}
