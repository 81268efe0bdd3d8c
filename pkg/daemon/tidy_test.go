package daemon

import "testing"

// TestTidier requires that memory is returned once after each period of much garbage.
func TestTidier(t *testing.T) {
	const mib = 1 << 20
	var tidier tidier
	var seen uint64
	for i, look := range []struct {
		more uint64 // allocated since the last look
		want bool
		what string
	}{
		{48 * mib, false, "the start goes on"},
		{tidyQuiet, false, "it still does"},
		{tidyQuiet - 1, true, "it is over"},
		{10_000, false, "a quiet time"},
		{tidyQuiet - 1, false, "a little garbage"},
		{tidyWorth - 10_000 - tidyQuiet + 1, false, "not quiet"},
		{0, true, "now it is, and there is enough since the last time"},
		{0, false, "once"},
		{tidyWorth - 1, false, "a little work"},
		{0, false, "not worth while"},
		{1, true, "worth while"},
	} {
		seen += look.more
		if got := tidier.due(seen); got != look.want {
			t.Errorf("look %d, %s: %t", i, look.what, got)
		}
	}
}

// TestPercentFor: a small heap has room for the garbage of a takeover, a large one the default.
func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{1 << 20, 200}, {8 << 20, 200}, {10 << 20, 160}, {16 << 20, 100}, {100 << 20, 100}} {
		if got := percentFor(c.live); got != c.want {
			t.Errorf("%d%% for %d MiB in use, want %d%%", got, c.live>>20, c.want)
		}
	}
	if live := read("/gc/heap/live:bytes"); live > read("/gc/heap/allocs:bytes") {
		t.Errorf("%d bytes are in use, more than were ever allocated", live)
	}
}
