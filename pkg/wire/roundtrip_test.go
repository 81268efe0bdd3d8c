package wire

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
)

// many returns n different addresses of a family, the first of IPv6 link-local.
func many(f event.Family, n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		switch {
		case f == event.IPv4:
			out[i] = netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		case i == 0:
			out[i] = netip.MustParseAddr("fe80::1")
		default:
			out[i] = netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 15: byte(i)})
		}
	}
	return out
}

func pathOf(f event.Family) Path {
	if f == event.IPv4 {
		return path4
	}
	return path6
}

func TestRoundTrip(t *testing.T) {
	for _, of := range []struct {
		version Version
		family  event.Family
	}{{V3, event.IPv4}, {V3, event.IPv6}, {V2, event.IPv4}} {
		v, f := of.version, of.family
		least, most, _ := v.Intervals()
		for _, count := range []int{1, 3, 16, 255} {
			for _, priority := range []uint8{0, 1, 100, 254, 255} {
				for _, interval := range []time.Duration{least, time.Second, 3 * time.Second, most} {
					t.Run(fmt.Sprint(v, f, count, priority, interval), func(t *testing.T) {
						p := pathOf(f)
						want := Advert{Version: v, VRID: 255, Priority: priority, Interval: interval, Addresses: many(f, count)}
						var got Advert
						if err := got.Decode(want.Append(nil, p.Source, p.Dest), p); err != nil || got.Check() != nil {
							t.Fatal(err, got.Check())
						}
						if diff := cmp.Diff(want, got, cmpAddr); diff != "" {
							t.Errorf("(-want +got):\n%s", diff)
						}
					})
				}
			}
		}
	}
}

// TestIntervalDoesNotDrift tries every value of the field [N10].
func TestIntervalDoesNotDrift(t *testing.T) {
	for v, longest := range map[Version]time.Duration{V3: 40950 * time.Millisecond, V2: 255 * time.Second} {
		var b []byte
		var got Advert
		least, most, step := v.Intervals()
		for want := least; want <= most; want += step {
			a := Advert{Version: v, VRID: 1, Priority: 100, Interval: want, Addresses: golden[0].advert.Addresses}
			b = a.Append(b[:0], path4.Source, path4.Dest)
			if err := got.Decode(b, path4); err != nil || got.Interval != want {
				t.Fatalf("%v: %v became %v (%v)", v, want, got.Interval, err)
			}
		}
		if got.Interval != longest {
			t.Errorf("%v: the longest is %v", v, got.Interval)
		}
	}
}

func TestEncodable(t *testing.T) {
	good := Advert{VRID: 1, Priority: 0, Interval: time.Second, Addresses: many(event.IPv4, 2)}
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	for _, tt := range []struct {
		name   string
		change func(a *Advert)
		family event.Family
		ok     bool
	}{
		{"good", func(*Advert) {}, event.IPv4, true},
		{"VRID 0", func(a *Advert) { a.VRID = 0 }, event.IPv4, false},
		{"VRID 255", func(a *Advert) { a.VRID = 255 }, event.IPv4, true},
		{"interval 0", func(a *Advert) { a.Interval = 0 }, event.IPv4, false},
		{"interval -1s", func(a *Advert) { a.Interval = -time.Second }, event.IPv4, false},
		{"interval 5ms", func(a *Advert) { a.Interval = 5 * time.Millisecond }, event.IPv4, false},
		{"interval 10ms", func(a *Advert) { a.Interval = 10 * time.Millisecond }, event.IPv4, true},
		{"interval 15ms", func(a *Advert) { a.Interval = 15 * time.Millisecond }, event.IPv4, false},
		{"interval 40.95s", func(a *Advert) { a.Interval = 40950 * time.Millisecond }, event.IPv4, true},
		{"interval 40.96s", func(a *Advert) { a.Interval = 40960 * time.Millisecond }, event.IPv4, false},
		{"v2", func(a *Advert) { a.Version = V2 }, event.IPv4, true},
		{"v2 over IPv6", func(a *Advert) { a.Version, a.Addresses = V2, many(event.IPv6, 1) }, event.IPv6, false},
		{"v2 interval 0", func(a *Advert) { a.Version, a.Interval = V2, 0 }, event.IPv4, false},
		{"v2 interval 999ms", func(a *Advert) { a.Version, a.Interval = V2, 999*time.Millisecond }, event.IPv4, false},
		{"v2 interval 1.5s", func(a *Advert) { a.Version, a.Interval = V2, 1500*time.Millisecond }, event.IPv4, false},
		{"v2 interval 255s", func(a *Advert) { a.Version, a.Interval = V2, 255*time.Second }, event.IPv4, true},
		{"v2 interval 256s", func(a *Advert) { a.Version, a.Interval = V2, 256*time.Second }, event.IPv4, false},
		{"v2 password", func(a *Advert) { a.Version, a.Auth = V2, Password("x") }, event.IPv4, true},
		{"v2 authentication by a header", func(a *Advert) { a.Version, a.Auth.Type = V2, 2 }, event.IPv4, false},
		{"v2 data of no authentication", func(a *Advert) { a.Version, a.Auth.Data[0] = V2, 1 }, event.IPv4, false},
		{"v3 password", func(a *Advert) { a.Auth = Password("x") }, event.IPv4, false},
		{"no address", func(a *Advert) { a.Addresses = nil }, event.IPv4, true},
		{"255 addresses", func(a *Advert) { a.Addresses = many(event.IPv4, 255) }, event.IPv4, true},
		{"256 addresses", func(a *Advert) { a.Addresses = many(event.IPv4, 256) }, event.IPv4, false},
		{"wrong family", func(*Advert) {}, event.IPv6, false},
		{"mapped", func(a *Advert) { a.Addresses[1] = mapped }, event.IPv4, false},
		{"invalid", func(a *Advert) { a.Addresses[1] = netip.Addr{} }, event.IPv6, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good
			a.Addresses = append([]netip.Addr(nil), good.Addresses...)
			tt.change(&a)
			err := a.Encodable(tt.family)
			if (err == nil) != tt.ok {
				t.Fatalf("Encodable: %v", err)
			}
			defer func() {
				if panicked := recover() != nil; panicked == tt.ok {
					t.Errorf("Append panicked: %v", panicked)
				}
			}()
			a.Append(nil, pathOf(tt.family).Source, pathOf(tt.family).Dest)
		})
	}
}

// TestDecodeReuses checks that the caller's array is filled, and that the input bytes are not
// referenced.
func TestDecodeReuses(t *testing.T) {
	var a Advert
	b := golden[0].advert.Append(nil, path4.Source, path4.Dest)
	if err := a.Decode(b, path4); err != nil {
		t.Fatal(err)
	}
	first := &a.Addresses[0]
	clear(b)
	if diff := cmp.Diff(golden[0].advert, a, cmpAddr); diff != "" {
		t.Errorf("the bytes are shared (-want +got):\n%s", diff)
	}
	if err := a.Decode(unhex(t, golden[2].hex), path4); err != nil || len(a.Addresses) != 1 || &a.Addresses[0] != first {
		t.Errorf("the array was not used again: %v, %v", err, a.Addresses)
	}
}

// TestAllocatesNothing has the golden vectors, 255 addresses of IPv6 [N7], and rejected messages.
func TestAllocatesNothing(t *testing.T) {
	type in struct {
		name string
		b    []byte
		path Path
		want error
	}
	var ins []in
	for _, g := range golden {
		ins = append(ins, in{g.name, unhex(t, g.hex), g.path, nil})
	}
	big := Advert{VRID: 1, Interval: time.Second, Addresses: many(event.IPv6, 255)}
	ins = append(ins,
		in{"255 addresses", big.Append(nil, path6.Source, path6.Dest), path6, nil},
		in{"rejected", unhex(t, golden[0].hex)[:9], path4, PacketLengthError})
	var a Advert
	var out []byte
	for _, in := range ins {
		if err := a.Decode(in.b, in.path); err != in.want {
			t.Fatal(in.name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = a.Decode(in.b, in.path) }); n != 0 {
			t.Errorf("%s: Decode allocates %v times", in.name, n)
		}
		if in.want != nil {
			continue
		}
		out = a.Append(out[:0], in.path.Source, in.path.Dest)
		if n := testing.AllocsPerRun(100, func() { out = a.Append(out[:0], in.path.Source, in.path.Dest) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", in.name, n)
		}
	}
	if err := a.Decode(big.Append(nil, path6.Source, path6.Dest), path6); err != nil ||
		len(a.Addresses) != 255 || a.Addresses[254] != big.Addresses[254] {
		t.Errorf("255 addresses: %v, %d", err, len(a.Addresses))
	}
}
