package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/lan"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// TestFlood sends 50,000 invalid and foreign adverts a second to the segment of two routers with 10
// ms adverts: no router changes state, the Active's adverts are late by less than 2 ms (p99), and
// neither memory nor log grows. The kernel drops adverts with a wrong hop limit or VRID; the daemon
// reads those with its VRID and a wrong checksum. A busy machine sends as many as it can, and nine
// adverts of ten are late by less than half their interval, which is 50 ms if the machine had no
// time for 10 ms twice.
func TestFlood(t *testing.T) {
	netns.NeedRoot(t)
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
		t.Run(f.name, func(t *testing.T) {
			interval, busy := 10*time.Millisecond, 0
			measuredAnew(t, func(t *testing.T, m *machine) string {
				wrong, overloaded := flooded(t, m, interval, f.frames, f.drops)
				if overloaded {
					busy++
				}
				if busy == 2 {
					interval = 50 * time.Millisecond
				}
				return strings.Join(wrong, ", ")
			})
		})
	}
}

// flooded floods a pair of routers. It returns the faults that a machine without processor time
// could cause, and whether the machine was too busy.
func flooded(t *testing.T, m *machine, interval time.Duration, frames [][]byte, drops bool) (wrong []string, busy bool) {
	t.Helper()
	const rate, lasts = 50_000, 4 * time.Second
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
	busy = m.busy(3 * time.Millisecond)
	sent := float64(flood.Sent()) / end.Sub(start).Seconds()
	t.Logf("%.0f frames a second for %v; %d adverts of a, late by p50 %v, p99 %v, at most %v; resident before %v KiB, after %v KiB",
		sent, end.Sub(start), len(late), quantile(late, 50), quantile(late, 99), slices.Max(late),
		[]int{before[0].kib, before[1].kib}, []int{after[0].kib, after[1].kib})
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	least, percent, most := rate*0.9, 99, 2*time.Millisecond
	if busy {
		least, percent, most = rate/5, 90, interval/2
	}
	check(sent > least, "only %.0f frames a second were sent", sent)
	check(len(late) >= int(lasts/interval)*95/100, "a sent %d adverts in %v", len(late), lasts)
	q := quantile(late, percent)
	check(q < most, "p%d of the adverts' lateness is %v, want under %v", percent, q, most)
	time.Sleep(time.Second) // the flood is over for the daemons too
	for i, d := range []*daemon{a, b} {
		for _, l := range d.moves(start) {
			check(false, "%s moved: %s", d.name, l.Msg)
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
		if lines == 0 || lines > 20 || drops && !dropped {
			t.Errorf("%s wrote %d lines on rejected adverts; dropped by the kernel: %v, want %v", d.name, lines, dropped, drops)
		}
	}
	return wrong, busy
}

// lateness is how late each advert is against a grid of the interval: the one on
// which the latest of them is least late.
func lateness(adverts []lan.Advert, interval time.Duration) []time.Duration {
	if len(adverts) < 2 {
		return []time.Duration{time.Hour}
	}
	var phases []time.Duration
	for _, x := range adverts {
		phases = append(phases, x.At.Sub(adverts[0].At)%interval)
	}
	sorted := slices.Sorted(slices.Values(phases))
	grid, widest := sorted[0], sorted[0]+interval-sorted[len(sorted)-1]
	for i, p := range sorted[1:] {
		if gap := p - sorted[i]; gap > widest {
			grid, widest = p, gap
		}
	}
	for i, p := range phases {
		phases[i] = (p - grid + interval) % interval
	}
	return phases
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

// TestRivalsAreCounted checks that thousands of valid adverts from always different routers of
// lower priority make few lines in the log of the Active, each with a count, and that it stays
// Active.
func TestRivalsAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "noise")
	a := s.start("a", router{150, 100 * time.Millisecond, ""})
	began := a.becomes("active", time.Time{}, 5*time.Second).TS
	var frames [][]byte
	for n := range 50 {
		source := netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + n)})
		rival := wire.Advert{Version: wire.V3, VRID: 51, Priority: uint8(1 + n), Interval: 100 * time.Millisecond, Addresses: []netip.Addr{inside.virtual()}}
		payload := rival.Append(nil, source, wire.Group4)
		mac := [6]byte{2, 0, 0, 0, 9, byte(n)}
		frame := append([]byte{1, 0, 0x5e, 0, 0, 18}, mac[:]...)
		frame = append(frame, 8, 0)
		frame = wire.AppendIP(frame, source, wire.Group4, wire.HopLimit, len(payload))
		frames = append(frames, append(frame, payload...))
	}
	flood, err := s.Host("noise").Flood(inside.ifname, 2000, frames...)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	if err := flood.Stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(11 * time.Second) // the count is logged at the end of its window
	lines := 0
	for _, l := range a.log(began) {
		if l.Event == "advert.rival" {
			lines++
		}
	}
	if lines == 0 || lines > 30 {
		t.Errorf("%d lines report %d adverts, want a few", lines, flood.Sent())
	}
	if moves := a.moves(began.Add(time.Millisecond)); len(moves) > 0 {
		t.Errorf("it moved: %v", moves)
	}
}
