package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

var (
	cmpAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	path4   = Path{Source: netip.MustParseAddr("192.0.2.251"), Dest: Group4, HopLimit: HopLimit}
	path6   = Path{Source: netip.MustParseAddr("fe80::c8"), Dest: Group6, HopLimit: HopLimit}
)

func addrs(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, s := range list {
		out[i] = netip.MustParseAddr(s)
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden are vectors that were computed independently of this code.
var golden = []struct {
	name   string
	hex    string
	path   Path
	advert Advert
}{
	{"v4 message only", "310ac8020064828ac0000201c0000202", path4,
		Advert{VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1", "192.0.2.2"), Checksum: MessageOnly}},
	{"v4 pseudo-header", "310ac8020064defbc0000201c0000202", path4,
		Advert{VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1", "192.0.2.2")}},
	{"v4 resign message only", "310a000100640c8fc0000201", path4,
		Advert{VRID: 10, Priority: 0, Interval: time.Second, Addresses: addrs("192.0.2.1"), Checksum: MessageOnly}},
	{"v4 resign pseudo-header", "310a000100646904c0000201", path4,
		Advert{VRID: 10, Priority: 0, Interval: time.Second, Addresses: addrs("192.0.2.1")}},
	{"v6", "310a640200643f5dfe80000000000000000000000000000120010db8000000000000000000000001", path6,
		Advert{VRID: 10, Priority: 100, Interval: time.Second, Addresses: addrs("fe80::1", "2001:db8::1")}},
	{"v4 unsigned part of the HMAC vector", "3133c80100644402c0000264",
		Path{Source: netip.MustParseAddr("198.51.100.10"), Dest: Group4, HopLimit: HopLimit},
		Advert{VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.100"), Checksum: MessageOnly}},
	{"v2 VRID 51", "21331e010001b5c50a0001050000000000000000", path4,
		Advert{Version: V2, VRID: 51, Priority: 30, Interval: time.Second, Addresses: addrs("10.0.1.5")}},
	{"v2 VRID 1", "21011e010001b5f70a0001050000000000000000", path4,
		Advert{Version: V2, VRID: 1, Priority: 30, Interval: time.Second, Addresses: addrs("10.0.1.5")}},
	{"v2 two addresses", "210ac802000192edc0000201c00002020000000000000000", path4,
		Advert{Version: V2, VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1", "192.0.2.2")}},
	{"v2 password", "210ac802010155a1c0000201c0000202" + "7365637265740000", path4,
		Advert{Version: V2, VRID: 10, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.1", "192.0.2.2"), Auth: Password("secret")}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			want := unhex(t, g.hex)
			if got := g.advert.Append(nil, g.path.Source, g.path.Dest); !bytes.Equal(got, want) {
				t.Errorf("Append: %x, want %x", got, want)
			}
			if n := AdvertLen(g.advert.Version, event.FamilyOf(g.path.Source), len(g.advert.Addresses)); n != len(want) {
				t.Errorf("AdvertLen = %d, want %d", n, len(want))
			}
			var got Advert
			if err := got.Decode(want, g.path); err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if diff := cmp.Diff(g.advert, got, cmpAddr); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
			if err := got.Check(); err != nil {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// TestBare checks that a virtual router may be configured without addresses: then its adverts are
// valid without any, and are encoded like others.
func TestBare(t *testing.T) {
	for name, path := range map[string]Path{"310ac80000640691": path4, "210ac800000116f40000000000000000": path4} {
		b := unhex(t, name)
		var a Advert
		if err := a.Decode(b, path); err != nil || a.Check() != CountZero || a.CheckBare() != nil {
			t.Errorf("%x: %v, Check %v, CheckBare %v", b, err, a.Check(), a.CheckBare())
		}
		a.Checksum = MessageOnly
		if got := a.Append(nil, path.Source, path.Dest); !bytes.Equal(got, b) {
			t.Errorf("Append: %x, want %x", got, b)
		}
		a.Interval = 0
		if a.CheckBare() != IntervalZero {
			t.Errorf("interval 0: %v", a.CheckBare())
		}
	}
}

// TestAppendAppends checks that the checksum is that of the message, wherever the message is in
// the buffer.
func TestAppendAppends(t *testing.T) {
	for _, g := range golden {
		got := g.advert.Append([]byte{1, 2, 3}, g.path.Source, g.path.Dest)
		if want := append([]byte{1, 2, 3}, unhex(t, g.hex)...); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", g.name, got, want)
		}
	}
}

// TestRejects has a message for each reason with no other error (RFC 9568 §7.1 and its errata);
// the numbers in brackets are those of the negative tests of ze.
func TestRejects(t *testing.T) {
	good4 := func() []byte { return unhex(t, golden[1].hex) }
	good6 := func() []byte { return unhex(t, golden[4].hex) }
	good2 := func() []byte { return unhex(t, golden[8].hex) }
	ttl := func(p Path, n int) Path { p.HopLimit = n; return p }
	set := func(b []byte, i int, v byte, p Path) []byte { b[i] = v; return reseal(b, p, PseudoHeader) }
	tests := []struct {
		name string
		b    []byte
		path Path
		want error // of Decode, and if that has none of Check
	}{
		{"nothing wrong v4", good4(), path4, nil},
		{"nothing wrong v6", good6(), path6, nil},
		{"TTL 64 [N4]", good4(), ttl(path4, 64), IPTTLError},
		{"TTL 254", good4(), ttl(path4, 254), IPTTLError},
		{"hop limit 0", good6(), ttl(path6, 0), IPTTLError},
		{"empty", nil, path4, Truncated},
		{"7 bytes", good4()[:7], path4, Truncated},
		{"version 4", set(good4(), 0, 0x41, path4), path4, VersionError},
		{"version 0", set(good4(), 0, 0x01, path4), path4, VersionError},
		{"v2 over IPv6", set(good6(), 0, 0x21, path6), path6, VersionError},
		{"type 0", set(good4(), 0, 0x30, path4), path4, TypeError},
		{"type 2", set(good6(), 0, 0x32, path6), path6, TypeError},
		{"trailer of v2, zeros [N2]", append(good4(), make([]byte, 8)...), path4, PacketLengthError},
		{"one byte too many", append(good4(), 0), path4, PacketLengthError},
		{"one byte too few", good4()[:15], path4, PacketLengthError},
		{"an address too few", good6()[:24], path6, PacketLengthError},
		{"count too high", set(good4(), 3, 3, path4), path4, PacketLengthError},
		{"count too low", set(good4(), 3, 1, path4), path4, PacketLengthError},
		{"addresses of IPv6 over IPv4", good6(), path4, PacketLengthError},
		{"wrong in both forms [N1b]", unhex(t, "310ac8020064828bc0000201c0000202"), path4, ChecksumError},
		{"wrong v6", unhex(t, "310a640200643f5cfe80000000000000000000000000000120010db8000000000000000000000001"), path6, ChecksumError},
		{"v6 message only", reseal6MessageOnly(good6()), path6, ChecksumError},
		{"v6 from another source", good6(), Path{Source: netip.MustParseAddr("fe80::c9"), Dest: Group6, HopLimit: HopLimit}, ChecksumError},
		{"v4 pseudo-header to another destination", good4(), Path{Source: path4.Source, Dest: netip.MustParseAddr("192.0.2.9"), HopLimit: HopLimit}, ChecksumError},
		{"count 0 v4 [N5]", set(good4()[:8], 3, 0, path4), path4, CountZero},
		{"count 0 v6 [N5]", set(good6()[:8], 3, 0, path6), path6, CountZero},
		{"interval 0 [N6]", set(good4(), 5, 0, path4), path4, IntervalZero},
		{"interval 0 with reserved bits", set(set(good6(), 5, 0, path6), 4, 0xf0, path6), path6, IntervalZero},
		{"v2", good2(), path4, nil},
		{"v2 TTL 254", good2(), ttl(path4, 254), IPTTLError},
		{"v2 type 2", set(good2(), 0, 0x22, path4), path4, TypeError},
		{"v2 without authentication data", good2()[:16], path4, PacketLengthError},
		{"v2 one byte too many", append(good2(), 0), path4, PacketLengthError},
		{"v2 count too high", set(good2(), 3, 4, path4), path4, PacketLengthError},
		{"v2 with the checksum of v3", unhex(t, "210ac8020001ef56c0000201c00002020000000000000000"), path4, ChecksumError},
		{"v2 wrong checksum", unhex(t, "210ac802000192eec0000201c00002020000000000000000"), path4, ChecksumError},
		{"v2 wrong in the authentication data", append(good2()[:23], 1), path4, ChecksumError},
		{"v2 count 0", set(append(good2()[:8], make([]byte, 8)...), 3, 0, path4), path4, CountZero},
		{"v2 interval 0", set(good2(), 5, 0, path4), path4, IntervalZero},
		{"v2 authentication by a header, RFC 2338", set(good2(), 4, 2, path4), path4, InvalidAuthType},
		{"v2 unknown authentication", set(good2(), 4, 255, path4), path4, InvalidAuthType},
		{"v4 from behind routers that are allowed", good4(), Path{Source: path4.Source, Dest: path4.Dest, HopLimit: 60, Least: 60}, nil},
		{"v4 from behind one more", good4(), Path{Source: path4.Source, Dest: path4.Dest, HopLimit: 59, Least: 60}, IPTTLError},
		{"no source", good4(), Path{Source: netip.Addr{}, Dest: Group4, HopLimit: HopLimit}, IPHeaderError},
		{"no destination", good4(), Path{Source: path4.Source, Dest: netip.Addr{}, HopLimit: HopLimit}, IPHeaderError},
		{"two families", good4(), Path{Source: path4.Source, Dest: Group6, HopLimit: HopLimit}, IPHeaderError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a Advert
			err := a.Decode(tt.b, tt.path)
			if early := tt.want != CountZero && tt.want != IntervalZero && tt.want != InvalidAuthType; err == nil {
				err = a.Check()
				if early && err != nil {
					t.Errorf("only Check found %v", err)
				}
			}
			if err != tt.want {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var reason Reason
			if err != nil && !errors.As(err, &reason) {
				t.Errorf("%T is no Reason", err)
			}
		})
	}
}

// TestOrder has messages with all errors, which are corrected one after another: the reasons
// appear in their documented order.
func TestOrder(t *testing.T) {
	b := unhex(t, golden[4].hex)[:8]
	b[0], b[3], b[4], b[5] = 0x22, 2, 0, 0 // v2 over IPv6
	p := path6
	p.HopLimit = 1
	short := 7
	steps := []struct {
		want Reason
		mend func()
	}{
		{IPTTLError, func() { p.HopLimit = 255 }},
		{Truncated, func() { short = 8 }},
		{VersionError, func() { b[0] = 0x32 }},
		{TypeError, func() { b[0] = 0x31 }},
		{PacketLengthError, func() { b[3] = 0 }},
		{ChecksumError, func() { reseal(b, p, PseudoHeader) }},
		{CountZero, func() {
			b = append(b, make([]byte, 16)...)
			b[3], short = 1, 24
			reseal(b, p, PseudoHeader)
		}},
		{IntervalZero, func() { b[5] = 1; reseal(b, p, PseudoHeader) }},
	}
	var a Advert
	try := func() error {
		if err := a.Decode(b[:short], p); err != nil {
			return err
		}
		return a.Check()
	}
	for _, s := range steps {
		if err := try(); err != s.want {
			t.Fatalf("got %v, want %v", err, s.want)
		}
		s.mend()
	}
	if err := try(); err != nil {
		t.Errorf("with all errors corrected: %v", err)
	}
}

// TestOrderV2 is TestOrder for the errors that only v2 has, after the interval.
func TestOrderV2(t *testing.T) {
	b := unhex(t, golden[6].hex)
	b[4], b[5] = 9, 0
	for _, s := range []struct {
		want error
		mend func()
	}{{IntervalZero, func() { b[5] = 1 }}, {InvalidAuthType, func() { b[4] = 1 }}, {nil, func() {}}} {
		var a Advert
		if err := a.Decode(reseal(b, path4, 0), path4); err != nil || a.Check() != s.want {
			t.Errorf("Decode: %v, Check: %v, want %v", err, a.Check(), s.want)
		}
		s.mend()
	}
}

// TestAuthDataIsIgnored checks that without authentication the data is ignored on receipt (RFC
// 3768 §5.3.10).
func TestAuthDataIsIgnored(t *testing.T) {
	b := unhex(t, golden[6].hex)
	copy(b[len(b)-8:], "whatever")
	var a Advert
	if err := a.Decode(reseal(b, path4, 0), path4); err != nil || a.Check() != nil || a.Auth != (Auth{}) {
		t.Errorf("Decode: %v, Check: %v, %v", err, a.Check(), a.Auth)
	}
}

// TestPassword checks that the first 8 characters of a password count, padded with zeros (RFC
// 2338 §5.3.10), and that both routers must have the same (§7.1).
func TestPassword(t *testing.T) {
	for _, tt := range []struct {
		ours, theirs Auth
		want         error
	}{
		{Auth{}, Auth{}, nil},
		{Password("secret"), Password("secret"), nil},
		{Password("secret12"), Password("secret123"), nil},
		{Password("secret"), Auth{Type: 1, Data: [8]byte{'s', 'e', 'c', 'r', 'e', 't'}}, nil},
		{Password("secret"), Password("Secret"), AuthFailure},
		{Password("secret"), Password("secret1"), AuthFailure},
		{Password("secret1"), Password("secret"), AuthFailure},
		{Password("secret"), Auth{}, AuthTypeMismatch},
		{Auth{}, Password("secret"), AuthTypeMismatch},
	} {
		if got := tt.ours.Admits(tt.theirs); got != tt.want {
			t.Errorf("ours %v, theirs %v: %v, want %v", tt.ours, tt.theirs, got, tt.want)
		}
	}
}

// TestRejectedKeepsVRID checks that the VRID and priority of a rejected advert are known, for
// counters.
func TestRejectedKeepsVRID(t *testing.T) {
	b := unhex(t, golden[1].hex)
	bad := Path{Source: path4.Source, Dest: path4.Dest, HopLimit: 1}
	for n, want := range []Advert{{}, {}, {VRID: 10}, {VRID: 10, Priority: 200}, {VRID: 10, Priority: 200}} {
		a := Advert{V2, 1, 2, 3, addrs("192.0.2.9"), MessageOnly, Password("x"), true} // what an earlier advert left
		if err := a.Decode(b[:n], bad); err != IPTTLError {
			t.Fatal(err)
		}
		a.Addresses = nil
		if diff := cmp.Diff(want, a); diff != "" {
			t.Errorf("%d bytes (-want +got):\n%s", n, diff)
		}
	}
	var a Advert
	b[7]++
	if err := a.Decode(b, path4); err != ChecksumError || a.VRID != 10 || a.Priority != 200 {
		t.Errorf("wrong checksum: %v, %+v", err, a)
	}
}

func TestReservedBitsAreIgnored(t *testing.T) {
	b := unhex(t, golden[1].hex)
	b[4] |= 0xf0
	var a Advert
	if err := a.Decode(reseal(b, path4, PseudoHeader), path4); err != nil || a.Interval != time.Second {
		t.Errorf("Decode: %v, interval %v; RFC 9568 §5.2.6 has the bits ignored", err, a.Interval)
	}
}

func TestFirstNotLinkLocal(t *testing.T) {
	for _, tt := range []struct {
		first string
		want  bool
	}{{"fe80::1", false}, {"febf::1", false}, {"fec0::1", true}, {"2001:db8::1", true}, {"192.0.2.1", false}} {
		a := Advert{Addresses: addrs(tt.first)}
		if got := a.FirstNotLinkLocal(); got != tt.want {
			t.Errorf("%s: %v", tt.first, got)
		}
	}
	if (&Advert{}).FirstNotLinkLocal() {
		t.Error("without addresses there is no first")
	}
	// What keepalived 2.2.7 sends, after a mere warning.
	b := unhex(t, "31336401000aa91f20010db8000000000000000000000001")
	var a Advert
	if err := a.Decode(reseal(b, path6, PseudoHeader), path6); err != nil || a.Check() != nil || !a.FirstNotLinkLocal() {
		t.Errorf("not kept: %v, %+v", err, a)
	}
}

func TestGroups(t *testing.T) {
	if g := GroupOf(event.IPv4); g != netip.MustParseAddr("224.0.0.18") {
		t.Error(g)
	}
	if g := GroupOf(event.IPv6); g != netip.MustParseAddr("ff02::12") {
		t.Error(g)
	}
}
