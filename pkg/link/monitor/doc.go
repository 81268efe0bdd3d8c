// Package monitor observes the links of the network namespace for a link.Table: it receives
// the kernel's notifications, asks drivers where these may come late, and publishes the
// outcome.
//
// Monitor.Run starts a goroutine for the notifications of links and one for those of addresses; the
// confirmer, which asks drivers for the carrier at a high rate; the poller, which asks at a low
// rate if the kernel announces nothing; the explainer, which asks why a carrier was lost; the
// reader of hints (pkg/hint); and the debouncer, which keeps the time of delayed changes. It waits
// for all of them. They share the observer, which guards the table with the one mutex. The methods
// of Monitor may be called from any goroutine and never wait for the kernel.
//
// Read on in this order; calls run from the top to the bottom:
//
//	monitor.go, snapshot_linux.go, inspect_linux.go   the entry points
//	subscribe.go, confirm.go, poll.go, explain.go,    the sources of observations
//	hint.go
//	poll_schedule.go, poll_cost.go                    when to ask, and what asking costs
//	observer.go                                       the mutex, the outbox, who is woken
//	kernel.go, sleeper.go                             the operating system, as interfaces
package monitor
