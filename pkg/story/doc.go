// Package story combines the lines of the log with a common cause into the story of a failover:
// its cause, its consequences and their times, and the outage as seen from this router.
//
// It reads lines, not events, since they may come from a journal. It never reads the clock: a
// Builder uses the times of its lines.
package story
