package lab

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lan"
	"ripcord/pkg/wire"
)

// 50,000 bad and foreign adverts a second on the segment of two routers with
// 10 ms adverts: nobody moves, the Active keeps time, and neither memory nor log
// grows. The kernel drops what it can tell by hop limit and VRID; what bears our
// VRID and a wrong checksum the daemon has to read.
func TestFlood(t *testing.T) {
	needRoot(t)
	foreign := [][]byte{
		advertFrame(200, 254, wire.HopLimit, false), // another virtual router's
		advertFrame(200, 51, 64, false),             // from behind a router
		advertFrame(255, 52, wire.HopLimit, false),
		advertFrame(0, 51, 1, false), // a resignation from far away
	}
	forged := [][]byte{
		advertFrame(255, 51, wire.HopLimit, true), // a wrong checksum
		advertFrame(0, 51, wire.HopLimit, true),
	}
	for _, f := range []struct {
		name   string
		frames [][]byte
		drops  bool // by the kernel
	}{{"foreign", foreign, true}, {"forged", forged, false}} {
		t.Run(f.name, func(t *testing.T) { flooded(t, f.frames, f.drops) })
	}
}

func flooded(t *testing.T, frames [][]byte, drops bool) {
	const interval, rate, lasts = 10 * time.Millisecond, 50_000, 4 * time.Second
	s := newSite(t, []segment{inside}, "a", "b", "noise")
	began := time.Now()
	a := s.start("a", router{150, interval, ""})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, ""})
	b.becomes("backup", began, 5*time.Second)
	time.Sleep(time.Second) // they settle
	before := []usage{a.usage(), b.usage()}
	sniffer, err := s.Segment(inside.name).SniffFrom(s.Cable("a", inside.ifname).MAC())
	if err != nil {
		t.Fatal(err)
	}

	start := time.Now()
	flood, err := s.Host("noise").Flood(inside.ifname, rate, frames...)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(lasts)
	after := []usage{a.usage(), b.usage()}
	if err := flood.Stop(); err != nil {
		t.Fatal(err)
	}
	end := time.Now()

	late := lateness(sniffer.Adverts(), interval)
	t.Logf("%d frames in %v; %d adverts of a, late by p50 %v, p99 %v, at most %v; resident before %v KiB, after %v KiB",
		flood.Sent(), end.Sub(start), len(late), quantile(late, 50), quantile(late, 99), slices.Max(late),
		[]int{before[0].kib, before[1].kib}, []int{after[0].kib, after[1].kib})
	if sent := float64(flood.Sent()) / end.Sub(start).Seconds(); sent < rate*0.8 {
		t.Errorf("only %.0f frames a second were sent", sent)
	}
	if want := int(lasts/interval) * 95 / 100; len(late) < want {
		t.Errorf("a sent %d adverts in %v, want %d", len(late), lasts, want)
	}
	if p99 := quantile(late, 99); p99 > 2*time.Millisecond {
		t.Errorf("adverts are late by %v (p99), want at most 2 ms", p99)
	}
	time.Sleep(time.Second) // the flood is over for the daemons too
	for i, d := range []*daemon{a, b} {
		for _, l := range d.moves(start) {
			t.Errorf("%s moved: %s", d.name, l.Msg)
		}
		if grown := after[i].kib - before[i].kib; grown > 12<<10 {
			t.Errorf("%s grew by %d KiB", d.name, grown)
		}
		lines, dropped := 0, false
		for _, l := range d.log(start) {
			if l.Event == "advert.rejected" {
				lines++
				dropped = dropped || l.Reason == string(wire.Flood)
			}
		}
		if lines == 0 || lines > 20 || dropped != drops {
			t.Errorf("%s wrote %d lines on rejected adverts; dropped by the kernel: %v, want %v", d.name, lines, dropped, drops)
		}
	}
}

// lateness is how late each advert is against the grid that the earliest of them
// sets, in the order in which they came.
func lateness(adverts []lan.Advert, interval time.Duration) []time.Duration {
	if len(adverts) == 0 {
		return []time.Duration{time.Hour}
	}
	var off []time.Duration
	first := adverts[0].At
	for _, x := range adverts {
		since := x.At.Sub(first)
		off = append(off, since-since.Round(interval))
	}
	least := slices.Min(off)
	for i := range off {
		off[i] -= least
	}
	return off
}

// advertFrame is an Ethernet frame with an advert from a station of its own; with
// spoilt its checksum is wrong.
func advertFrame(priority, vrid, ttl uint8, spoilt bool) []byte {
	source, group := netip.MustParseAddr("192.0.2.77"), wire.GroupOf(event.IPv4)
	a := wire.Advert{VRID: vrid, Priority: priority, Interval: 10 * time.Millisecond, Addresses: []netip.Addr{inside.virtual()}}
	message := a.Append(nil, source, group)
	if spoilt {
		message[6] ^= 0x55
	}
	header := [20]byte{0: 0x45, 3: byte(20 + len(message)), 8: ttl, 9: wire.Protocol}
	copy(header[12:], source.AsSlice())
	copy(header[16:], group.AsSlice())
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(header[i])<<8 | uint32(header[i+1])
	}
	sum = ^(sum>>16 + sum&0xffff)
	header[10], header[11] = byte(sum>>8), byte(sum)
	frame := []byte{0x01, 0, 0x5e, 0, 0, 0x12, 0x02, 0, 0, 0, 0, 0x77, 0x08, 0x00}
	return append(append(frame, header[:]...), message...)
}
