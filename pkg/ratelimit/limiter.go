// Package ratelimit limits how often events that other routers and programs can cause are logged,
// and counts those that it omits. It is pure: the time is an argument.
package ratelimit

import "time"

// Limiter lets the first few events of a key pass in each window. It counts the others, and yields
// their number when the window ends, even if no further event comes. So no event is lost. It holds
// little more than size keys: for a key that has no room, share returns a key that many have in
// common. It belongs to one goroutine.
type Limiter[K comparable] struct {
	every time.Duration
	size  int
	share func(K) K
	began time.Time // with the first event
	open  map[K]window

	due    time.Time // when the first window ends that has counted something; zero: none
	purged time.Time // when windows that have ended were last removed
}

// window is one window of a key. It is small, since there may be thousands.
type window struct {
	ends   time.Duration // since began
	passed uint32        // the number of events that passed
	count  uint32        // the number of events that did not pass
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

// purge removes the windows that have ended and have counted nothing, at most ten times in a window:
// otherwise each event of a flood would search all windows.
func (l *Limiter[K]) purge(now time.Time) {
	if now.Sub(l.purged) < l.every/10 {
		return
	}
	l.Forget(now)
}

// Forget removes the windows that have ended and have counted nothing, and frees their memory.
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

// Flush yields the counts of the windows that have ended; with all, of every window.
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

// Len returns the number of keys.
func (l *Limiter[K]) Len() int { return len(l.open) }

// Next returns when Flush will next yield a count; false if nothing was counted.
func (l *Limiter[K]) Next() (time.Time, bool) { return l.due, !l.due.IsZero() }
