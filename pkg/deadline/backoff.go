package deadline

import "time"

// Backoff is the instant of the next try, and the pause after that try, which doubles with each.
type Backoff struct {
	at    time.Time
	pause time.Duration
}

// NewBackoff returns a Backoff whose first try is due at the instant at, and the second one after
// the first pause.
func NewBackoff(at time.Time, first time.Duration) Backoff { return Backoff{at, first} }

// At returns the instant of the next try.
func (b *Backoff) At() time.Time { return b.at }

// Due reports whether the next try is due.
func (b *Backoff) Due(now time.Time) bool { return !now.Before(b.at) }

// Tried records a try. The pauses grow to at most maxPause.
func (b *Backoff) Tried(now time.Time, maxPause time.Duration) {
	b.at, b.pause = now.Add(b.pause), min(2*b.pause, maxPause)
}
