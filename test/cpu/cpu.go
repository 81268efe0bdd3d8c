// Package cpu measures what tests cost: others may work on their machine, so that the clock
// says little.
package cpu

import (
	"syscall"
	"time"
)

// Used returns the processor time, user and system, that this process has taken so far.
func Used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no process of one's own
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
