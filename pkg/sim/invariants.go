package sim

import "time"

// This page lists all that must hold, whatever happens (docs/architecture.md#invariants). Each
// invariant is a type; what it looks at are its methods, in the files invariant_*.go.

// Of a router, after each of its turns, and of what it sends.
type (
	// whole: its adverts and its addresses follow the state of its group.
	whole struct{ rule }
	// linked: it is not Active if it knows that one of its links is down, or what it tracks, nor
	// while it is released.
	linked struct{ rule }
	// weighed: its priority, and that of its adverts, is what its configuration and what it
	// tracks make it, or 1 while it lacks something.
	weighed struct{ rule }
	// last: a member that serves without its group has a link, is not released, and is
	// advertised, with priority 1.
	last struct{ rule }
	// silent: it sends no advert of an instance that was ordered to fall silent, and no probe
	// while it serves.
	silent struct {
		rule
		resigned map[*instance]time.Time // the last priority 0, unless an advert has followed
	}
	// continued: a daemon that goes on where the one before died, or handed over, makes no
	// second Active.
	continued struct{ rule }
	// believed: in a LAN whose routers are configured alike, it rejects nothing but what is old
	// or of another version.
	believed struct{ rule }
)

// Of a router that becomes Active.
type (
	// verified: it has asked its links.
	verified struct{ rule }
	// forwarding: its segments forward, or it has waited for long enough.
	forwarding struct{ rule }
	// unheard: it has heard no Active that it must yield to within miss intervals, at any time, or
	// since the machine of one that it took for dead ceased to answer.
	unheard struct{ rule }
	// awake: it did not just sleep for longer than an interval beside an Active that lives; nor
	// does one that runs its fence command.
	awake struct{ rule }
	// fenced: its fence has succeeded since the Active was last heard that fell silent, or has
	// failed and need not succeed.
	fenced struct{ rule }
	// rested: it was not for its Skew_Time at least.
	rested struct{ rule }
	// rightful: in quiet times there is no Active that it may not preempt, whether it believes
	// its adverts or not.
	rightful struct{ rule }
	// delayed: its startup_delay is over, unless it was adopted, and in quiet times its preempt_delay.
	delayed struct{ rule }
)

// fences: a router that runs its fence command is Backup, and no command of its runs; the
// Active that it fences was heard since the router was Active, did not resign, and nobody else
// is heard, unless its machine died; and a station has answered on each of its links since then.
type fences struct{ rule }

// Of the LAN, after each turn of any router.
type (
	// one: there are not two Actives, in quiet times.
	one struct{ rule }
	// served: somebody serves if somebody could, in quiet times; and all the time where nothing
	// but priorities has changed, if somebody did by then or could.
	served struct {
		rule
		since   time.Time // since when nobody serves; zero: somebody does
		dropped bool      // nothing but priorities had changed by then
	}
	// replaced: an Active that lowers its priority below that of a Backup which may preempt is
	// replaced by it within its Skew_Time.
	replaced struct{ rule }
	// moved: no router moves more than a few times for one disturbance.
	moved struct {
		rule
		moves map[*Router]moves
	}
)

// Of the LAN at some moments.
type (
	// settled: at the end of each quiet time the best router that is healthy is Active, and no
	// other; if the routers speak two versions, which cannot agree, one of each, and both have
	// logged it.
	settled struct{ rule }
	// yielding: an Active that was stopped for long leaves it to the one that took over
	// meanwhile.
	yielding struct{ rule }
)

// all returns every invariant, in the order in which they are checked.
func (c *Check) all() []any {
	of := func(name string) rule { return rule{&c.witness, name} }
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
