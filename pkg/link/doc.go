// Package link decides whether a link is usable, from observations: the kernel's announcements
// about its interfaces and their addresses, dumps, and answers of drivers. It is pure;
// pkg/link/monitor makes the observations. A Table is not safe for concurrent use.
//
// Read on in this order; calls run from the top to the bottom:
//
//	table.go, step.go                              one observation, from entry to outcome
//	resync.go, changes.go                          descriptions of links are taken in
//	decide.go, record.go                           each link is decided about, and published
//	targets.go, lookup.go, registry.go             who is asked; names; what stands on what
//	votes.go, losses.go, debounce.go, choice.go,   one concern of a link each
//	hints.go, reason.go, sources.go, addresses.go
//	observation.go, settings.go                    what is passed around
package link
