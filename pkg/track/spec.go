package track

import (
	"errors"
	"fmt"
	"time"
)

// Limits of the configuration.
const (
	MinInterval = 10 * time.Millisecond
	MaxCount    = 1000 // of Rise and Fall
)

// Initial is the state of a check until its first result.
type Initial uint8

// The initial states.
const (
	// Wait keeps the instances of the check in Initialize until its first result, which
	// alone decides the state.
	Wait Initial = iota
	// Pass begins with Up.
	Pass
	// Fail begins with Down.
	Fail
	// Neutral is Wait for instances that track the check without a weight. For others it adds
	// nothing to the priority until its first result, which alone decides the state, as keepalived
	// does.
	Neutral
)

// Spec is a check of the configuration. Name, Interval and Probe are required.
type Spec struct {
	Name string
	// Interval is the time from the start of a run to the start of the next one.
	Interval time.Duration
	// Timeout is when a run without an answer has failed; zero is Interval.
	Timeout time.Duration
	// Rise and Fall are how many results in a row change the state to Up and to Down;
	// zero is 1.
	Rise, Fall int
	Initial    Initial
	Probe      Probe
}

// Probe is what a check does: one of Command, Process, File, TCP, HTTP and Ping.
type Probe interface {
	// String returns in a few words what is checked, as "tcp 192.0.2.1:80".
	String() string
	// validate returns what makes the probe unusable whatever the machine is like.
	validate() error
	// open returns the prober. It starts nothing that would not end with close.
	open(m *machine, s *Spec) prober
}

// Validate returns all that makes a check unusable, whatever the machine is like. A cause
// that can change while the daemon runs, such as a missing program, is a failed result
// instead.
func (s *Spec) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("check %s: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Name == "" {
		return errors.New("a check has no name")
	}
	if s.Interval < MinInterval {
		wrong("interval %v is too short: at least %v", s.Interval, MinInterval)
	}
	if s.Timeout < 0 {
		wrong("timeout %v is negative", s.Timeout)
	}
	if s.Rise < 0 || s.Rise > MaxCount {
		wrong("rise %d: give 1 to %d", s.Rise, MaxCount)
	}
	if s.Fall < 0 || s.Fall > MaxCount {
		wrong("fall %d: give 1 to %d", s.Fall, MaxCount)
	}
	if s.Probe == nil {
		wrong("nothing to check: give a command, process, file, tcp, http or ping")
	} else if err := s.Probe.validate(); err != nil {
		wrong("%w", err)
	}
	return errors.Join(errs...)
}

// EffectiveTimeout returns the timeout that is in force.
func (s *Spec) EffectiveTimeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return s.Interval
}

// Watched reports whether the kernel announces a change of what is checked, so that a run
// starts at once: files and processes.
func (s *Spec) Watched() bool {
	switch s.Probe.(type) {
	case File, Process:
		return true
	}
	return false
}
