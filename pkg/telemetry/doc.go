// Package telemetry reports to the outside: each event becomes one line of the log, and each scrape
// returns metrics.
//
// A Logger may be used from several goroutines. A Log has one goroutine, the one that calls
// Run; it reads a backlog of the events topic, so no publisher ever waits for the writer.
// Losses are never silent: events that the backlog dropped and lines that the writer refused
// are counted in a line of their own, log.lost.
//
// Metrics count events on a goroutine likewise, and may be read from any: a scrape reads snapshots
// and atomics, and no goroutine waits for it.
package telemetry
