package receive

import "time"

// flood decides when a socket receives so many rejected packets that the kernel should drop those
// that it can recognize as invalid, and when that ends. Outside a flood every rejected advert is
// counted under its own reason, so the filter is kept open.
type flood struct {
	on       bool
	window   time.Time // the beginning of the window; during a flood, when it was last examined
	count    uint64    // rejected or dropped since then
	unlogged uint64    // dropped, and not yet logged
	loggedAt time.Time // when the last line was logged
}

const (
	// floodWindow is the time for which rejections are counted, and how often a flood is
	// examined; floodBegins rejections in one window make a flood, and fewer than floodEnds
	// rejected and dropped adverts end it.
	floodWindow = 500 * time.Millisecond
	floodBegins = 500
	floodEnds   = 100
	// floodLogEvery is the minimum time between two lines of the log.
	floodLogEvery = 10 * time.Second
)

// rejected counts n rejections, and reports whether they begin a flood.
func (f *flood) rejected(now time.Time, n int) (begins bool) {
	if !f.on && now.Sub(f.window) >= floodWindow {
		f.window, f.count = now, 0
	}
	f.count += uint64(n)
	if f.on || f.count < floodBegins {
		return false
	}
	*f = flood{on: true, window: now}
	return true
}

// look counts the packets that the kernel has dropped since the last look. It returns how many
// drops must be logged now, if any (with all, all that remain), and reports whether the flood has
// ended.
func (f *flood) look(now time.Time, dropped uint64, all bool) (toLog uint64, ends bool) {
	f.count += dropped
	f.unlogged += dropped
	ends = f.count < floodEnds
	if f.unlogged > 0 && (all || ends || now.Sub(f.loggedAt) >= floodLogEvery) {
		toLog, f.unlogged, f.loggedAt = f.unlogged, 0, now
	}
	f.window, f.count = now, 0
	f.on = !ends
	return toLog, ends
}

// next returns the instant at which look is due; false outside a flood.
func (f *flood) next() (time.Time, bool) { return f.window.Add(floodWindow), f.on }
