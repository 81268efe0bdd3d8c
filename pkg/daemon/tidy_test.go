package daemon

import "testing"

// Memory is given back once after each time of much garbage, when that is over.
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
