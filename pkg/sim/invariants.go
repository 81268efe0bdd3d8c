package sim

import "time"

// This page lists all invariants, which must hold whatever happens
// (docs/architecture.md#invariants). Each invariant is a type; its checks are its methods, in the
// files invariant_*.go.

// These are the invariants of a router, after each of its turns, and of the messages that it
// sends.
type (
	// whole: its adverts and its addresses follow the state of its group.
	whole struct{ rule }
	// linked: it is not Active if it knows that one of its links or a tracker is down, nor while
	// it is released.
	linked struct{ rule }
	// weighed: its priority, and that of its adverts, follows from its configuration and its
	// trackers, or is 1 while it lacks something.
	weighed struct{ rule }
	// last: a member that serves without its group has a link, is not released, and is advertised
	// with priority 1.
	last struct{ rule }
	// silent: it sends no advert of an instance that was ordered to fall silent, and no probe
	// while it serves.
	silent struct {
		rule
		resigned map[*instance]time.Time // the last priority 0, unless an advert has followed
	}
	// continued: a daemon that continues as Active after the previous one died, or handed over,
	// makes no second Active.
	continued struct{ rule }
	// believed: in a LAN whose routers have equal configurations, it rejects only adverts that
	// are old or of another version.
	believed struct{ rule }
)

// These are the invariants of a router that becomes Active.
type (
	// verified: it has asked its links.
	verified struct{ rule }
	// forwarding: its segments forward, or it has waited long enough.
	forwarding struct{ rule }
	// unheard: it has heard no Active to which it must yield within miss intervals, at any time,
	// or since the machine of an Active that counted as dead ceased to answer.
	unheard struct{ rule }
	// awake: it did not just sleep for longer than an interval while an Active was alive; nor did
	// a router that runs its fence command.
	awake struct{ rule }
	// fenced: its fence has succeeded since the last advert of each Active that fell silent and did
	// not resign, or has failed and need not succeed; unless it preempts another Active.
	fenced struct{ rule }
	// rested: at least its Skew_Time has passed since it was last Active.
	rested struct{ rule }
	// rightful: in quiet times there is no Active that it may not preempt, whether it accepts its
	// adverts or not.
	rightful struct{ rule }
	// delayed: its startup_delay is over, unless it was adopted, and in quiet times its
	// preempt_delay.
	delayed struct{ rule }
)

// fences: a router that runs its fence command is Backup, and no earlier command of it runs; the
// fenced Active was heard since the router was Active and did not resign, and no other Active is
// heard, unless its machine died; and a station has answered on each of its links since then.
type fences struct{ rule }

// These are the invariants of the LAN, after each turn of any router.
type (
	// one: in quiet times there are not two Actives.
	one struct{ rule }
	// served: in quiet times a router serves if one could; and at any time if only priorities
	// have changed, if a router did before or could.
	served struct {
		rule
		since   time.Time // since when no router serves; zero if one does
		dropped bool      // only priorities had changed by then
	}
	// replaced: an Active that lowers its priority below that of a Backup that may preempt is
	// replaced by it within its Skew_Time.
	replaced struct{ rule }
	// moved: no router moves more than a few times for one disturbance.
	moved struct {
		rule
		moves map[*Router]moves
	}
)

// These are the invariants of the LAN at some moments.
type (
	// settled: at the end of each quiet time the best healthy router is Active, and no other; if
	// the routers use two versions, which cannot agree, one of each version, and both have logged
	// it.
	settled struct{ rule }
	// yielding: an Active that was stopped for a long time leaves the addresses to the router
	// that took over meanwhile.
	yielding struct{ rule }
)

// all returns every invariant, in the order in which they are checked.
func (c *Check) all() []any {
	of := func(name string) rule { return rule{&c.observer, name} }
	return []any{
		&whole{of("whole")}, &linked{of("linked")}, &weighed{of("weighed")}, &last{of("last")},
		&silent{of("silent"), make(map[*instance]time.Time)}, &continued{of("continued")}, &believed{of("believed")},
		&verified{of("verified")}, &forwarding{of("forwarding")}, &unheard{of("unheard")}, &awake{of("awake")},
		&fenced{of("fenced")}, &rested{of("rested")}, &rightful{of("rightful")}, &delayed{of("delayed")},
		&fences{of("fences")},
		&one{of("one")}, &served{rule: of("served")}, &replaced{of("replaced")}, &moved{of("moved"), make(map[*Router]moves)},
		&settled{of("settled")}, &yielding{of("yielding")},
	}
}
