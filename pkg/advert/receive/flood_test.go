package receive

import (
	"testing"
	"time"

	"ripcord/pkg/advert/adverttest"
)

// TestFloodBeginsAndEnds: 500 rejections in half a second begin a flood, fewer do
// not; it ends with the first half second that has fewer than 100. The log has a
// line at the first look, then one in ten seconds, and one at the end: no drop is
// left out.
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
	told, dropped, lines := uint64(0), uint64(0), 0
	for i := range 101 {
		at, ok := f.next()
		if !ok {
			t.Fatalf("it ended after %d looks", i)
		}
		n := uint64(floodEnds)
		if i == 100 {
			n--
		}
		tell, ends := f.look(at, n, false)
		if dropped += n; tell > 0 {
			lines++
			told += tell
		}
		if ends != (i == 100) {
			t.Fatalf("look %d: ended %v", i, ends)
		}
	}
	if _, ok := f.next(); ok || told != dropped || lines != 6 {
		t.Errorf("told %d of %d dropped, in %d lines, want 6", told, dropped, lines)
	}
	if f.rejected(now.Add(time.Hour), floodBegins-1) {
		t.Error("what the first flood counted began a second one")
	}
}

// TestFloodTellsTheRest: at the end of the receiver nothing is kept back.
func TestFloodTellsTheRest(t *testing.T) {
	var f flood
	f.rejected(adverttest.T0, floodBegins)
	f.look(adverttest.T0.Add(floodWindow), 1000, false)
	if tell, _ := f.look(adverttest.T0.Add(2*floodWindow), 500, false); tell != 0 {
		t.Errorf("told %d within ten seconds of the last line", tell)
	}
	if tell, _ := f.look(adverttest.T0.Add(3*floodWindow), 7, true); tell != 507 {
		t.Errorf("told %d, want 507", tell)
	}
}
