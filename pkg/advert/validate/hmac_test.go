package validate

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// secret returns a key for a number.
func secret(n byte) wire.Secret {
	key := make([]byte, 32)
	key[0] = n
	return wire.NewSecret(key)
}

// authentic returns the instance with two keys, with the ids 1 and 2.
func authentic(in vrrp.Instance, mode vrrp.AuthMode) vrrp.Instance {
	in.HMAC = &vrrp.HMAC{
		Keys: map[uint8]wire.Secret{1: secret(1), 2: secret(2)}, Active: 1, Mode: mode, Window: 5 * time.Second,
	}
	return in
}

// signed returns an advert that was signed at t0+after.
func signed(a wire.Advert, source netip.Addr, id uint8, s wire.Secret, after time.Duration) []byte {
	dest := wire.GroupOf(event.FamilyOf(source))
	b := append(a.Append(nil, source, dest), make([]byte, wire.TrailerLen)...)
	wire.NewKey(id, s).Sign(b, source, clock(after))
	wire.Cover(b, source, dest)
	return b
}

// from4 is a packet with a message, received at t0 and so much more.
func from4(source netip.Addr, message []byte, after time.Duration) Packet {
	return Packet{Interface: "eth0", Family: event.IPv4, At: t0.Add(after), Data: ipv4(source, wire.Group4, 255, message)}
}

// TestAcceptHMAC has each reason with all that is checked after it wrong as well:
// the counter that rises shows the order.
func TestAcceptHMAC(t *testing.T) {
	plain := advert4()
	spoil := func(b []byte, trailer int, then ...int) []byte {
		for _, i := range append(then, trailer) {
			b[len(b)-wire.TrailerLen+i] ^= 0x80
		}
		return b
	}
	const hour = 3600 * sec
	two := advert4()
	two.Version = wire.V2
	for _, c := range []struct {
		name    string
		mode    vrrp.AuthMode
		message []byte
		reason  wire.Reason
		counts  string
	}{
		{"signed", vrrp.Enforce, signed(plain, peer4, 1, secret(1), 0), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"with a key that is not the active one", vrrp.Enforce, signed(plain, peer4, 2, secret(2), 0), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"signed, permissive", vrrp.Permissive, signed(plain, peer4, 1, secret(1), 0), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"signed, receive-only", vrrp.ReceiveOnly, signed(plain, peer4, 1, secret(1), 0), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"not signed, enforce", vrrp.Enforce, plain.Append(nil, peer4, wire.Group4), wire.AuthMissing, "auth_ext_missing=1"},
		{"not signed, permissive", vrrp.Permissive, plain.Append(nil, peer4, wire.Group4), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"not signed, receive-only", vrrp.ReceiveOnly, plain.Append(nil, peer4, wire.Group4), "", "advertisement_rcvd=1 checksum_pseudo_header=1"},
		{"malformed, stale, key, hmac", vrrp.Permissive, spoil(signed(plain, peer4, 9, secret(1), hour), 0, 27), wire.AuthMalformed, "auth_ext_malformed=1"},
		{"stale, key, hmac", vrrp.ReceiveOnly, spoil(signed(plain, peer4, 9, secret(1), hour), 27), wire.AuthStale, "auth_stale=1"},
		{"key, hmac", vrrp.Enforce, spoil(signed(plain, peer4, 9, secret(1), 0), 27), wire.AuthUnknownKey, "auth_unknown_key=1"},
		{"hmac", vrrp.Enforce, spoil(signed(plain, peer4, 1, secret(1), 0), 27), wire.AuthInvalidHMAC, "auth_invalid_hmac=1"},
		{"the other key of the same id", vrrp.Permissive, signed(plain, peer4, 1, secret(2), 0), wire.AuthInvalidHMAC, "auth_invalid_hmac=1"},
		{"hmac, the other version", vrrp.Enforce, signed(two, peer4, 1, secret(2), 0), wire.AuthInvalidHMAC, "auth_invalid_hmac=1"},
		{"not signed, the other version", vrrp.Enforce, two.Append(nil, peer4, wire.Group4), wire.AuthMissing, "auth_ext_missing=1"},
		{"a trailer that is cut off", vrrp.Permissive, signed(plain, peer4, 1, secret(1), 0)[:12+27], wire.PacketLengthError, "packet_length_errors=1"},
		{"checksum, hmac", vrrp.Enforce, func() []byte { b := spoil(signed(plain, peer4, 1, secret(1), 0), 27); b[6]++; return b }(), wire.ChecksumError, "checksum_errors=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(authentic(virtual4(), c.mode))
			p := from4(peer4, c.message, 0)
			v := b.Accept(&p, t0)
			if v.Valid != (c.reason == "") {
				t.Fatalf("%+v", v)
			}
			if got := counters(b.stats["v4"]); got != c.counts || counters(b.unknown) != "" {
				t.Errorf("counted %q, want %q", got, c.counts)
			}
			if c.reason != "" {
				if e := v.Events[len(v.Events)-1].(event.AdvertRejected); e.Reason != string(c.reason) || e.Instance != "v4" {
					t.Errorf("%+v, want reason %s", e, c.reason)
				}
			}
		})
	}
}

// TestAcceptWithoutHMAC checks that a signed advert has a wrong length for an instance without an
// HMAC, as for every router that does not know trailers.
func TestAcceptWithoutHMAC(t *testing.T) {
	b := newBench(virtual4(), authentic(virtual6(), vrrp.Enforce))
	p := from4(peer4, signed(advert4(), peer4, 1, secret(1), 0), 0)
	if v := b.Accept(&p, t0); v.Valid || counters(b.stats["v4"]) != "packet_length_errors=1" {
		t.Errorf("%+v, counted %s", v, counters(b.stats["v4"]))
	}
}

func TestAcceptHMACOverIPv6(t *testing.T) {
	b := newBench(authentic(virtual6(), vrrp.Enforce))
	a := wire.Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: []netip.Addr{vip6}}
	p := packet6(a)
	p.Data = signed(a, peer6, 1, secret(1), 0)
	if v := b.Accept(&p, t0); !v.Valid || v.Heard.Source != peer6 || v.Heard.Stale {
		t.Errorf("%+v, counted %s", v, counters(b.stats["v6"]))
	}
	if v := b.Accept(&p, t0); v.Valid || counters(b.stats["v6"]) != "advertisement_rcvd=1 auth_replay=1" {
		t.Errorf("again: %+v, counted %s", v, counters(b.stats["v6"]))
	}
}

// TestAcceptTheOtherVersionSigned checks that an advert of the other version keeps a Backup
// waiting only if it is authentic.
func TestAcceptTheOtherVersionSigned(t *testing.T) {
	b := newBench(authentic(virtual4(), vrrp.Enforce))
	two := advert4()
	two.Version = wire.V2
	p := from4(peer4, signed(two, peer4, 1, secret(1), 0), 0)
	if v := b.Accept(&p, t0); !v.Valid || v.Heard.Version != wire.V2 || v.Heard.Stale || counters(b.stats["v4"]) != "version_errors=1" {
		t.Errorf("%+v, counted %s", v, counters(b.stats["v4"]))
	}
}

// TestAcceptSkew checks that clocks that differ are reported before adverts are rejected because
// of the difference, and that rejected ones prove, once each, that their sender is alive.
func TestAcceptSkew(t *testing.T) {
	const hour = 3600 * sec
	for _, c := range []struct {
		skew  time.Duration
		held  bool
		told  string
		again bool // it is signed again, a second later
	}{
		{2 * sec, false, "", false},
		{2500 * ms, false, "", false},
		{2600 * ms, false, "warn 2600", false},
		{-2600 * ms, false, "warn -2600", false},
		{5 * sec, false, "warn 5000", false},
		{5001 * ms, true, "error 5001", true},
		{-hour, true, "error -3600000", true},
	} {
		t.Run(c.skew.String(), func(t *testing.T) {
			b := newBench(authentic(virtual4(), vrrp.Enforce))
			stale := c.skew.Abs() > 5*sec
			skews := func(v Verdict) (out string) {
				for _, e := range v.Events {
					if s, ok := e.(event.AuthSkew); ok {
						out += fmt.Sprintf("%s %d", s.Level(), s.Skew.Round(ms).Milliseconds())
						if s.Rejected != stale || s.Source != peer4 || s.Old {
							t.Errorf("%+v", s)
						}
					}
				}
				return out
			}
			p := from4(peer4, signed(advert4(), peer4, 1, secret(1), c.skew), 0)
			v := b.Accept(&p, t0)
			if !v.Valid || v.Heard.Stale != c.held || stale != (b.stats["v4"].Get(stats.AuthStale) == 1) {
				t.Fatalf("%+v, counted %s", v, counters(b.stats["v4"]))
			}
			if got := skews(v); got != c.told {
				t.Errorf("events %q, want %q", got, c.told)
			}
			if v := b.Accept(&p, t0); v.Valid {
				t.Error("the advert counts twice")
			}
			p = from4(peer4, signed(advert4(), peer4, 1, secret(1), c.skew+sec), sec)
			v = b.Accept(&p, t0.Add(sec))
			if got := skews(v); !v.Valid || v.Heard.Stale != c.held || got != "" {
				t.Errorf("the next advert: %+v, events %q", v, got)
			}
		})
	}
}

// TestAcceptOldAdverts checks that an advert that is replayed is reported and has no effect, and
// that neither has one that only seems old.
func TestAcceptOldAdverts(t *testing.T) {
	const hour = 3600 * sec
	b := newBench(authentic(virtual4(), vrrp.Enforce))
	p := from4(peer4, signed(advert4(), peer4, 1, secret(1), -hour), -hour)
	if v := b.Accept(&p, t0.Add(-hour)); !v.Valid {
		t.Fatalf("%+v", v)
	}
	p.At = t0
	v := b.Accept(&p, t0)
	if s, ok := v.Events[0].(event.AuthSkew); v.Valid || !ok || !s.Rejected || !s.Old {
		t.Errorf("%+v", v)
	}
	forged := signed(advert4(), peer4, 1, secret(3), -hour+sec)
	p = from4(peer4, forged, 0)
	if v := b.Accept(&p, t0); v.Valid || len(v.Events) != 0 { // one was logged within the last 10 s
		t.Errorf("%+v", v)
	}
}

// TestAcceptReplayedResignation checks the main purpose of the HMAC: a replayed resignation has
// no effect.
func TestAcceptReplayedResignation(t *testing.T) {
	b := newBench(authentic(virtual4(), vrrp.Enforce))
	resign := advert4()
	resign.Priority = 0
	p := from4(peer4, signed(resign, peer4, 1, secret(1), 0), 0)
	if v := b.Accept(&p, t0); !v.Valid || v.Heard.Priority != 0 {
		t.Fatalf("%+v", v)
	}
	next := from4(peer4, signed(advert4(), peer4, 1, secret(1), sec), sec)
	b.Accept(&next, t0.Add(sec))
	p.At = t0.Add(2 * sec)
	if v := b.Accept(&p, t0.Add(2*sec)); v.Valid || b.stats["v4"].Get(stats.AuthReplays) != 1 {
		t.Errorf("%+v, counted %s", v, counters(b.stats["v4"]))
	}
}

// TestBadAdvertsMoveNoMark checks that the mark changes only after a valid HMAC.
func TestBadAdvertsMoveNoMark(t *testing.T) {
	b := newBench(authentic(virtual4(), vrrp.Enforce))
	for _, p := range []Packet{
		from4(peer4, signed(advert4(), peer4, 1, secret(3), 4*sec), 0),
		from4(peer4, signed(advert4(), peer4, 3, secret(1), 4*sec), 0),
		from4(peer4, signed(advert4(), peer4, 1, secret(3), 4000*sec), 0),
	} {
		if v := b.Accept(&p, t0); v.Valid {
			t.Fatalf("%+v", v)
		}
	}
	p := from4(peer4, signed(advert4(), peer4, 1, secret(1), 0), 0)
	if v := b.Accept(&p, t0); !v.Valid || v.Heard.Stale {
		t.Errorf("%+v", v)
	}
}

func TestAcceptHMACAllocatesNothing(t *testing.T) {
	b := newBench(authentic(virtual4(), vrrp.Enforce))
	good := from4(peer4, signed(advert4(), peer4, 1, secret(1), 0), 0)
	forged := from4(peer4, signed(advert4(), peer4, 1, secret(2), 0), 0)
	stale := from4(peer4, signed(advert4(), peer4, 1, secret(1), -3600*sec), 0)
	all := []*Packet{&good, &forged, &stale}
	for range 2 { // the first of each is reported
		for _, p := range all {
			b.Accept(p, t0)
		}
	}
	if allocs := testing.AllocsPerRun(1000, func() {
		for _, p := range all {
			b.Accept(p, t0)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkAcceptHMAC(b *testing.B) {
	bench := newBench(authentic(virtual4(), vrrp.Enforce))
	for _, c := range []struct {
		name  string
		after time.Duration
	}{{"replayed", 0}, {"stale", -3600 * sec}} {
		b.Run(c.name, func(b *testing.B) {
			p := from4(peer4, signed(advert4(), peer4, 1, secret(1), c.after), 0)
			b.ReportAllocs()
			for b.Loop() {
				bench.Accept(&p, t0)
			}
		})
	}
}

// TestAcceptHMACQueued checks that packets that waited in the queue for longer than maxAge are
// compared with the clock at their receipt. Otherwise adverts of a sender whose clock was ahead
// at that time would be accepted when they are read, and its adverts after a correction of the
// clock would count as replays.
func TestAcceptHMACQueued(t *testing.T) {
	b, read := newBench(authentic(virtual4(), vrrp.Enforce)), t0.Add(30*sec)
	for _, c := range []struct {
		name           string
		signed, queued time.Duration
		reason         wire.Reason
	}{
		{"in time, read after half a minute", 0, 30 * sec, ""},
		{"14s ahead, read after ten seconds", 34 * sec, 10 * sec, wire.AuthStale},
		{"corrected", 21 * sec, 9 * sec, ""},
		{"corrected, read at once", 30 * sec, 0, ""},
	} {
		stamp := read.Add(-c.queued)
		p := from4(peer4, signed(advert4(), peer4, 1, secret(1), c.signed), Received(read, stamp).Sub(t0))
		p.Stamp = stamp
		v := b.Accept(&p, read)
		reason, skew := wire.Reason(""), false
		for _, e := range v.Events {
			switch e := e.(type) {
			case event.AdvertRejected:
				reason = wire.Reason(e.Reason)
			case event.AuthSkew:
				skew = true
			}
		}
		if reason != c.reason || skew != (c.reason == wire.AuthStale) || !v.Valid {
			t.Errorf("%s: rejected as %q, skew %v: %+v", c.name, reason, skew, v)
		}
	}
}
