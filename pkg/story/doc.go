// Package story puts the lines of the log that followed from one fact together, as the
// story of a failover: its cause, what it led to and when, and the outage as it was seen
// from this router.
//
// It reads lines, not events, since they may come from a journal. Nothing here asks for
// the time: a Builder's clock is that of the lines that it is given.
package story
