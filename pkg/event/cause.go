package event

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Trace identifies a fact that entered the daemon, and everything that followed from it. Zero
// means none.
type Trace uint64

// String returns the trace as in the log, in 16 hexadecimal digits.
func (t Trace) String() string { return fmt.Sprintf("%016x", uint64(t)) }

// Cause is created where a fact enters the daemon. Every effect, order and result that follows
// from the fact carries it.
type Cause struct {
	Trace Trace
	// At is when the fact happened, by the monotonic clock.
	At time.Time
}

// Minter creates causes. Traces of minters with different bases are distinct; the daemon uses its
// start time in nanoseconds as the base. A Minter may be used from several goroutines.
type Minter struct {
	base uint64
	n    atomic.Uint64
}

// NewMinter returns a minter whose traces count up from base.
func NewMinter(base uint64) *Minter { return &Minter{base: base} }

// Cause returns a new cause for a fact that happened at the instant at.
func (m *Minter) Cause(at time.Time) Cause {
	return Cause{Trace: Trace(m.base + m.n.Add(1)), At: at}
}
