package validate

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

func TestAcceptNeverSilent(t *testing.T) {
	b := newBench(virtual4())
	p := raw4(64, 0x31, 51)
	told := func(events []event.Event) (out []string) {
		for _, e := range events {
			out = append(out, fmt.Sprint(e.(event.AdvertRejected).Count))
		}
		return out
	}
	var out []string
	out = append(out, told(b.Accept(&p, t0).Events)...)
	if _, ok := b.Next(); ok {
		t.Error("an event is delayed before any was limited")
	}
	for range 41 {
		out = append(out, told(b.Accept(&p, t0.Add(time.Second)).Events)...)
	}
	at, ok := b.Next()
	if !ok || !at.Equal(t0.Add(rejectWindow)) {
		t.Fatalf("the rest is due at %v, want %v", at, t0.Add(rejectWindow))
	}
	out = append(out, told(b.Flush(at.Add(-1), false))...)
	out = append(out, "|")
	out = append(out, told(b.Flush(at, false))...)
	out = append(out, told(b.Flush(at, false))...)
	out = append(out, told(b.Accept(&p, at.Add(1)).Events)...)
	out = append(out, "end")
	out = append(out, told(b.Flush(at.Add(1), true))...)
	if got := strings.Join(out, " "); got != "1 | 41 end 1" {
		t.Errorf("reported %q", got)
	}
}

func TestAcceptBoundsItsMemory(t *testing.T) {
	b := newBench(virtual4())
	total := uint64(0)
	count := func(events []event.Event) {
		for _, e := range events {
			if r, ok := e.(event.AdvertRejected); ok {
				total += r.Count
			}
		}
	}
	const n = 5000
	told := 0
	for i := range n {
		source := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		p := raw4(64, 0x31, byte(i))
		copy(p.Data[12:], source.AsSlice())
		count(b.Accept(&p, t0).Events)

		a := advert4()
		a.Interval = 7 * time.Second
		p = packet4(a)
		p.Data = ipv4(source, wire.Group4, 255, a.Append(nil, source, wire.Group4))
		told += len(b.Accept(&p, t0).Events)
	}
	limit := spareKeys + keysEach
	if got := b.rejections.limiter.Len(); got > limit+1 {
		t.Errorf("%d rejections are remembered, limit %d", got, limit)
	}
	if got := len(b.mismatches.reported); got > limit || told != got {
		t.Errorf("%d mismatches are remembered and %d reported, limit %d", got, told, limit)
	}
	count(b.Flush(t0, true))
	if total != n {
		t.Errorf("%d rejections were reported, want %d", total, n)
	}
	// When the flood is over there is room again.
	later := t0.Add(2 * mismatchEvery)
	p := raw4(64, 0x31, 51)
	e := b.Accept(&p, later).Events[0].(event.AdvertRejected)
	if e.Source != peer4 || b.rejections.limiter.Len() > 2 {
		t.Errorf("%+v, %d remembered", e, b.rejections.limiter.Len())
	}
	a := advert4()
	a.Interval = 7 * time.Second
	p = packet4(a)
	if got := len(b.Accept(&p, later).Events); got != 1 {
		t.Errorf("%d mismatches reported after the flood", got)
	}
}

// TestRejectionsAreExplained checks that the log line of each reason says which adverts were rejected,
// what is wrong with them, and what to do.
func TestRejectionsAreExplained(t *testing.T) {
	explained := regexp.MustCompile(`^rejected 12 adverts of VRID 51 from 192\.0\.2\.9 on eth0: (they|their|that is|no instance|more arrived) [^:]+: [a-z]`)
	reasons := 0
	for _, d := range stats.All {
		for _, reason := range d.Reasons {
			reasons++
			e := event.AdvertRejected{Interface: "eth0", VRID: 51, Source: netip.MustParseAddr("192.0.2.9"), Reason: string(reason), Count: 12}
			if text := e.Message(); !explained.MatchString(text) || reason != wire.OwnAddress && !strings.Contains(text, "("+string(reason)+"): ") {
				t.Errorf("%s: %s", reason, text)
			}
		}
	}
	if reasons < 20 {
		t.Errorf("found only %d reasons", reasons)
	}
}
