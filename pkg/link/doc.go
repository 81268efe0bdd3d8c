// Package link decides whether a link is usable: it takes in what the kernel
// announces about its interfaces and their addresses, asks drivers where that may
// come late, and publishes the result.
//
// Table decides and is pure; it is not safe for concurrent use. Monitor is its shell:
// Run starts a goroutine for the notifications of links, one for those of addresses,
// the confirmer, which asks drivers for the carrier at a high rate, the poller, which
// asks at a low rate where nothing is announced, the explainer, which asks why a
// carrier was lost, and one that keeps the time of what is debounced; it waits for all
// of them. They share the observer, which has the table behind the one mutex. The
// methods of Monitor may be called from any goroutine and never wait for the kernel.
//
// Read on in this order; calls run from the top to the bottom:
//
//	monitor.go, snapshot_linux.go, inspect_linux.go   the entry points
//	subscribe.go, confirm.go, poll.go, explain.go     the sources of observations
//	poll_schedule.go, poll_cost.go                    when to ask, and what asking costs
//	observer.go                                       the mutex, the outbox, who is woken
//	table.go, step.go                                 one observation, from entry to outcome
//	resync.go, changes.go                             descriptions of links are taken in
//	decide.go, record.go                              each link is decided about, and published
//	targets.go, lookup.go, registry.go                who is asked; names; what stands on what
//	votes.go, losses.go, debounce.go, choice.go,      one concern of a link each
//	reason.go, sources.go, addresses.go
//	observation.go, settings.go, kernel.go            what is passed around
package link
