package deadline

import "time"

// Backoff is when something is tried next, and the pause after that try, which doubles with
// each.
type Backoff struct {
	at    time.Time
	pause time.Duration
}

// NewBackoff returns one whose first try is due at the instant at, and the second after the
// first pause.
func NewBackoff(at time.Time, first time.Duration) Backoff { return Backoff{at, first} }

// At returns the instant of the next try.
func (b *Backoff) At() time.Time { return b.at }

// Due reports whether the next try is due.
func (b *Backoff) Due(now time.Time) bool { return !now.Before(b.at) }

// Tried notes a try. The pause that follows is at most the given one.
func (b *Backoff) Tried(now time.Time, most time.Duration) {
	b.at, b.pause = now.Add(b.pause), min(2*b.pause, most)
}
