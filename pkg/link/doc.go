// Package link decides whether a link is usable, from observations: the kernel's announcements
// about its interfaces and their addresses, dumps, and answers of drivers. It is pure;
// pkg/link/monitor makes the observations. A Table is not safe for concurrent use.
//
// The files in the order in which to read them; calls run from the top to the bottom:
//
//	table.go, step.go                              one observation, from entry to outcome
//	resync.go, changes.go                          record the descriptions of links
//	decide.go, record.go                           decide whether a link is usable, and publish that
//	targets.go, lookup.go, registry.go             which links to ask; links by name; which link is on top of which
//	votes.go, losses.go, debounce.go, choice.go,   one concern of a link each
//	hints.go, reason.go, sources.go, addresses.go
//	observation.go, settings.go                    the inputs, and the configuration of a link
package link
