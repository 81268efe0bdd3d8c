// Package ratelimit keeps the log short, whatever strangers and other programs do,
// and counts what it leaves out. It is pure: the time is an argument.
package ratelimit

import "time"

// Limiter lets the first few of equal events pass in each window, and then one when
// the window ends, with the count of those that it stands for. Nothing is lost: what
// was counted in a window is handed out when it ends, even if no more comes. It holds
// little more than size keys, however many there are: for those that find no room,
// share returns a key that stands for many. It belongs to one goroutine.
type Limiter[K comparable] struct {
	every time.Duration
	size  int
	share func(K) K
	began time.Time // with the first event
	open  map[K]window

	due    time.Time // when the first window ends that has counted something; zero: none
	purged time.Time // when windows that are over were last looked for
}

// window is small, as there may be thousands.
type window struct {
	ends   time.Duration // since began
	passed uint32        // events, of those that may
	count  uint32        // of those that had to wait
}

// New returns a limiter whose windows last for every.
func New[K comparable](every time.Duration, size int, share func(K) K) *Limiter[K] {
	return &Limiter[K]{every: every, size: size, share: share, open: make(map[K]window)}
}

// Hit counts one event, of which burst may pass in each window. If pass is true, count events
// are to be logged now under the key returned.
func (l *Limiter[K]) Hit(now time.Time, key K, burst int) (as K, count uint64, pass bool) {
	if l.began.IsZero() {
		l.began = now
	}
	at := now.Sub(l.began)
	w, known := l.open[key]
	if !known && len(l.open) >= l.size {
		l.purge(now)
		if len(l.open) >= l.size {
			key = l.share(key)
			w, known = l.open[key]
		}
	}
	defer func() { l.open[key] = w }()
	switch {
	case !known:
		w = window{ends: at + l.every, passed: 1}
		return key, 1, true
	case at >= w.ends:
		count = uint64(w.count) + 1
		w = window{ends: at + l.every, passed: 1}
		return key, count, true
	case int(w.passed) < burst:
		w.passed++
		return key, 1, true
	}
	w.count++
	l.expect(l.began.Add(w.ends))
	return key, 0, false
}

// purge forgets the windows that are over and have counted nothing. It looks at
// most ten times in a window, lest a flood makes it look for each event.
func (l *Limiter[K]) purge(now time.Time) {
	if now.Sub(l.purged) < l.every/10 {
		return
	}
	l.Forget(now)
}

// Forget gives up the memory of the windows that are over and have counted nothing.
func (l *Limiter[K]) Forget(now time.Time) {
	l.purged = now
	for key, w := range l.open {
		if w.count == 0 && now.Sub(l.began) >= w.ends {
			delete(l.open, key)
		}
	}
	if len(l.open) == 0 {
		l.open = make(map[K]window)
	}
}

func (l *Limiter[K]) expect(end time.Time) {
	if l.due.IsZero() || end.Before(l.due) {
		l.due = end
	}
}

// Flush hands out what the windows that have ended have counted; with all, of
// those too that have not.
func (l *Limiter[K]) Flush(now time.Time, all bool, yield func(K, uint64)) {
	if !all && (l.due.IsZero() || now.Before(l.due)) {
		return
	}
	l.due = time.Time{}
	at := now.Sub(l.began)
	for key, w := range l.open {
		switch {
		case w.count == 0:
			continue
		case all || at >= w.ends:
			yield(key, uint64(w.count))
			l.open[key] = window{ends: at + l.every, passed: 1}
		default:
			l.expect(l.began.Add(w.ends))
		}
	}
	l.purge(now)
}

// Len is how many keys are held.
func (l *Limiter[K]) Len() int { return len(l.open) }

// Next is when Flush will have something to hand out; false where nothing waits.
func (l *Limiter[K]) Next() (time.Time, bool) { return l.due, !l.due.IsZero() }
