package event

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Trace identifies a fact that entered the daemon, and all that followed from it. Zero is none.
type Trace uint64

// String writes the trace as the log does, in 16 hexadecimal digits.
func (t Trace) String() string { return fmt.Sprintf("%016x", uint64(t)) }

// Cause is made where a fact enters the daemon. Every effect, order and result that follows from the
// fact carries it.
type Cause struct {
	Trace Trace
	// At is when the fact happened, by the monotonic clock.
	At time.Time
}

// Minter mints causes. Its traces are unique among minters of different bases;
// the daemon takes its start time in nanoseconds for the base. A Minter may be
// used from several goroutines.
type Minter struct {
	base uint64
	n    atomic.Uint64
}

// NewMinter returns a minter whose traces count up from base.
func NewMinter(base uint64) *Minter { return &Minter{base: base} }

// Cause mints a cause for a fact that happened at the instant at.
func (m *Minter) Cause(at time.Time) Cause {
	return Cause{Trace: Trace(m.base + m.n.Add(1)), At: at}
}
