package track

import "time"

// State is the state of a check.
type State uint8

// The states.
const (
	Waiting State = iota // there was no result yet, and Initial is Wait or Neutral
	Up
	Down
)

// String returns the state's word in the log and the API.
func (s State) String() string { return [...]string{"waiting", "up", "down"}[s] }

// Report is the state of a check, and the result that led to it.
type Report struct {
	Name  string
	State State
	// Value is what a file check adds to the priority: content × weight, at least −254
	// and at most 253. At −254 the state is Down. It is 0 for all other checks.
	Value int
	// Ran is false in the report with which a check starts: there is no result yet, and
	// the fields below are zero, but for At.
	Ran bool
	// At is when the result was known, by the monotonic clock.
	At time.Time
	// Took is how long the check took up to the result.
	Took time.Duration
	// Output is what the check answered: at most 4 KiB, without white space at its end.
	Output string
	// Err is why the result is a failure. A file check may have an Err while it is Up:
	// then the file has no usable content, and Value is what counts instead.
	Err error
}

// Status is the last result of a check, beside what was counted.
type Status struct {
	Report
	Checks  string    // what is checked, as "tcp 192.0.2.1:80"
	Probe   Probe     // the same, as it is configured
	Since   time.Time // when the state began
	Runs    uint64    // results
	Failed  uint64    // those that were failures
	Skipped uint64    // runs that were due while one still went on, or that had no result
}
