package wire

import "time"

// Sequence orders the signed adverts of one sender: 32 bits of seconds (UTC), 16 of 1/65536 s,
// and 16 of a counter. It is compared by serial number arithmetic (RFC 1982 §3.2), since the
// seconds wrap in 2106.
type Sequence uint64

// SequenceAt returns the sequence for an instant of the wall clock, with the counter zero.
func SequenceAt(t time.Time) Sequence {
	return Sequence(uint32(t.Unix()))<<32 | Sequence(uint64(t.Nanosecond())<<16/uint64(time.Second))<<16
}

// Before reports whether s is earlier than other.
func (s Sequence) Before(other Sequence) bool { return int64(other-s) > 0 }

// Sub returns the time from other to s: negative if s is earlier.
func (s Sequence) Sub(other Sequence) time.Duration {
	d := int64(s - other)
	return time.Duration(d>>32)*time.Second + time.Duration(uint64(d&0xffffffff)*uint64(time.Second)>>32)
}

// Within reports whether s and other differ by no more than d.
func (s Sequence) Within(d time.Duration, other Sequence) bool { return s.Sub(other).Abs() <= d }

// Next returns the sequence to send at the instant now after s was sent: that of the clock, or if
// that is not later than s, one more. If s itself is later than the clock by more than the
// window, the clock was set back, and the sequence follows it: otherwise every receiver would
// reject it. The window 0 means that there is none, the sequence 0 that none was sent.
func (s Sequence) Next(now time.Time, window time.Duration) Sequence {
	clock := SequenceAt(now)
	if s == 0 || s.Before(clock) || window > 0 && s.Sub(clock) > window {
		return clock
	}
	return s + 1
}

// Wall returns the time of the wall clock at an instant; nil if the instants contain it, as those
// of time.Now do.
type Wall func(time.Time) time.Time

// At returns the time of the wall clock at an instant.
func (w Wall) At(now time.Time) time.Time {
	if w == nil {
		return now
	}
	return w(now)
}
