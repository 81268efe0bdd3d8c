package advert

import "time"

// limiter lets the first of equal complaints pass and then one in each window,
// with the count of those it stands for. Nothing is lost: what was counted in a
// window is handed out when it ends, even if no more comes. It holds little
// more than size keys, however many there are: for those that find no room,
// share gives a key that stands for many.
type limiter[K comparable] struct {
	every time.Duration
	size  int
	share func(K) K
	open  map[K]*window

	due    time.Time // when the first window ends that has counted something; zero: none
	purged time.Time // when windows that are over were last looked for
}

type window struct {
	ends  time.Time
	count uint64
}

func newLimiter[K comparable](every time.Duration, size int, share func(K) K) *limiter[K] {
	return &limiter[K]{every: every, size: size, share: share, open: make(map[K]*window)}
}

// hit counts one complaint. Where pass is true it is to be told now, under the
// key returned, for count of them.
func (l *limiter[K]) hit(now time.Time, key K) (as K, count uint64, pass bool) {
	w := l.open[key]
	if w == nil && len(l.open) >= l.size {
		l.purge(now)
		if len(l.open) >= l.size {
			key = l.share(key)
			w = l.open[key]
		}
	}
	if w == nil {
		l.open[key] = &window{ends: now.Add(l.every)}
		return key, 1, true
	}
	w.count++
	if now.Before(w.ends) {
		l.expect(w.ends)
		return key, 0, false
	}
	count, w.count, w.ends = w.count, 0, now.Add(l.every)
	return key, count, true
}

// purge forgets the windows that are over and have counted nothing. It looks at
// most ten times in a window, lest a flood makes it look for each packet.
func (l *limiter[K]) purge(now time.Time) {
	if now.Sub(l.purged) < l.every/10 {
		return
	}
	l.purged = now
	for key, w := range l.open {
		if w.count == 0 && !now.Before(w.ends) {
			delete(l.open, key)
		}
	}
}

func (l *limiter[K]) expect(end time.Time) {
	if l.due.IsZero() || end.Before(l.due) {
		l.due = end
	}
}

// flush hands out what the windows that have ended have counted; with all, of
// those too that have not.
func (l *limiter[K]) flush(now time.Time, all bool, yield func(K, uint64)) {
	if !all && (l.due.IsZero() || now.Before(l.due)) {
		return
	}
	l.due = time.Time{}
	for key, w := range l.open {
		switch {
		case w.count == 0:
			continue
		case all || !now.Before(w.ends):
			yield(key, w.count)
			w.count, w.ends = 0, now.Add(l.every)
		default:
			l.expect(w.ends)
		}
	}
	l.purge(now)
}

// next is when flush will have something to hand out; false where nothing waits.
func (l *limiter[K]) next() (time.Time, bool) { return l.due, !l.due.IsZero() }
