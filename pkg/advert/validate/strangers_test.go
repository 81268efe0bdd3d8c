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

// carp returns the packet that OpenBSD's and FreeBSD's CARP sends for an id.
func carp(id byte) []byte {
	message := make([]byte, carpLen)
	copy(message, []byte{0x21, id, 0, carpAuthLen, 0, 1})
	return message
}

// TestStrangers checks that a warning about packets of another machine lasts as long as they
// arrive, names the machine and what to do, and is over when they stop.
func TestStrangers(t *testing.T) {
	others := advert4()
	others.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("192.0.2.201")}
	shared := others
	shared.Addresses = append([]netip.Addr{vip4}, others.Addresses...)
	resigned := others
	resigned.Priority = 0
	carp6 := Packet{
		Interface: "eth0", Family: event.IPv6, Path: wire.Path{Source: peer6, Dest: wire.Group6, HopLimit: 255}, Data: carp(51),
	}
	for _, c := range []struct {
		name     string
		packet   Packet
		warning  event.WarningReason
		says     string
		rejected bool
		invalid  bool
		counts   string
	}{
		{"another pair", packet4(others), event.WarnOtherAddresses, "192.0.2.2 advertises VRID 51 on eth0 too, with priority 200 and other addresses (192.0.2.200 192.0.2.201)", false, false,
			"advertisement_rcvd=1 address_list_errors=1 checksum_pseudo_header=1"},
		{"one address more", packet4(shared), "", "", false, false, "advertisement_rcvd=1 address_list_errors=1 checksum_pseudo_header=1"},
		{"another pair, and it resigns", packet4(resigned), "", "", false, false,
			"advertisement_rcvd=1 priority_zero_pkts_rcvd=1 address_list_errors=1 checksum_pseudo_header=1"},
		{"interval 0", raw4(255, 0x31, 51, 200, 1, 0, 0, 0, 0, 192, 0, 2, 100), event.WarnInvalidAdverts, "with interval 0", true, true, "interval_zero_errors=1"},
		{"no addresses", raw4(255, 0x31, 51, 200, 0, 0, 100, 0, 0), event.WarnInvalidAdverts, "without addresses", true, true, "count_zero_errors=1"},
		{"CARP", raw4(255, carp(51)...), event.WarnCARP, "192.0.2.2 on eth0 speaks CARP with id 51", true, false, "packet_length_errors=1"},
		{"CARP over IPv6", carp6, event.WarnCARP, "speaks CARP with id 51", true, false, "packet_length_errors=1"},
		{"CARP of another id", raw4(255, carp(99)...), "", "", true, false, ""},
		{"a v2 of 7 addresses that is too short by 12 bytes", raw4(255, append([]byte{0x21, 51, 100, 7, 0, 1, 0, 0}, make([]byte, 24)...)...), "", "", true, false, "packet_length_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(virtual4(), virtual6())
			var logged []string
			warnings := event.NewWarnings(func(e event.Event) { logged = append(logged, e.Level().String()+" "+e.Message()) })
			b.Warn(warnings)
			v := b.Accept(&c.packet, t0)
			if v.Rejected != c.rejected || v.Heard.Invalid != c.invalid || v.Valid != (!c.rejected || c.invalid) {
				t.Errorf("%+v", v)
			}
			if got := counters(b.stats["v4"]) + counters(b.stats["v6"]); got != c.counts {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			all := warnings.All()
			if c.warning == "" {
				if len(all) > 0 {
					t.Errorf("warnings %v", all)
				}
				return
			}
			if len(all) != 1 || all[0].Reason != c.warning || !strings.Contains(all[0].Text, c.says) || len(logged) != 1 || !strings.HasPrefix(logged[0], "error ") {
				t.Fatalf("warnings %v, logged %q", all, logged)
			}
			now := t0
			for range 300 { // it lasts for a while, and is logged once
				now = now.Add(100 * time.Millisecond)
				b.Accept(&c.packet, now)
				b.Flush(now, false)
			}
			if len(warnings.All()) != 1 || len(logged) != 1 {
				t.Errorf("after 30 s: in force %v, logged %q", warnings.All(), logged)
			}
			for i := 0; len(warnings.All()) > 0; i++ {
				at, ok := b.Next()
				if !ok || i > 3 {
					t.Fatal("the warning never ends")
				}
				b.Flush(at, false)
			}
		})
	}
}

// TestInvalidAndNotAuthentic checks that an unusable advert keeps no Backup waiting if it is not
// authentic.
func TestInvalidAndNotAuthentic(t *testing.T) {
	in := virtual4()
	in.HMAC = &vrrp.HMAC{Keys: map[uint8]wire.Secret{1: wire.NewSecret(make([]byte, wire.MinKey))}, Active: 1, Window: 5 * time.Second}
	b := newBench(in)
	p := raw4(255, 0x31, 51, 200, 1, 0, 0, 0, 0, 192, 0, 2, 100)
	if v := b.Accept(&p, t0); v.Valid || !v.Rejected {
		t.Errorf("%+v", v)
	}
}
