package receive

import (
	"testing"
	"time"

	"ripcord/pkg/advert/adverttest"
)

// TestFloodBeginsAndEnds checks that 500 rejections in half a second begin a flood and fewer do
// not, and that the flood ends with the first half second with fewer than 100. The log has a line
// at the first look, then one in ten seconds, and one at the end: every drop is in one of them.
func TestFloodBeginsAndEnds(t *testing.T) {
	var f flood
	now := adverttest.T0
	for range 20 {
		if f.rejected(now, floodBegins-1) {
			t.Fatal("too few began a flood")
		}
		now = now.Add(floodWindow)
	}
	if f.rejected(now, floodBegins-1) || !f.rejected(now.Add(floodWindow-1), 1) {
		t.Fatal("the flood does not begin with its 500th rejection")
	}
	now = now.Add(floodWindow - 1)
	if f.rejected(now, 10*floodBegins) {
		t.Fatal("it began twice")
	}
	logged, dropped, lines := uint64(0), uint64(0), 0
	for i := range 101 {
		at, ok := f.next()
		if !ok {
			t.Fatalf("it ended after %d looks", i)
		}
		n := uint64(floodEnds)
		if i == 100 {
			n--
		}
		toLog, ends := f.look(at, n, false)
		if dropped += n; toLog > 0 {
			lines++
			logged += toLog
		}
		if ends != (i == 100) {
			t.Fatalf("look %d: ended %v", i, ends)
		}
	}
	if _, ok := f.next(); ok || logged != dropped || lines != 6 {
		t.Errorf("logged %d of %d dropped, in %d lines, want 6", logged, dropped, lines)
	}
	if f.rejected(now.Add(time.Hour), floodBegins-1) {
		t.Error("the count of the first flood began a second one")
	}
}

// TestFloodLogsTheRest checks that at the end of the receiver no count is left unlogged.
func TestFloodLogsTheRest(t *testing.T) {
	var f flood
	f.rejected(adverttest.T0, floodBegins)
	f.look(adverttest.T0.Add(floodWindow), 1000, false)
	if toLog, _ := f.look(adverttest.T0.Add(2*floodWindow), 500, false); toLog != 0 {
		t.Errorf("logged %d within ten seconds of the last line", toLog)
	}
	if toLog, _ := f.look(adverttest.T0.Add(3*floodWindow), 7, true); toLog != 507 {
		t.Errorf("logged %d, want 507", toLog)
	}
}
