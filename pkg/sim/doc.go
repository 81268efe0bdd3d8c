// Package sim plays whole LANs in virtual time: the same state machines, router
// orders, advert plan and judgement of adverts as in the daemon, on links and
// segments that are values. Nothing waits, and a run is replayed exactly from its seed.
//
//	World    the clock and what is due: one queue, one goroutine
//	Segment  a switch: who is plugged in hears the others, late or not at all
//	Router   router.Core, advert.Plan and advert.Acceptor, with links, addresses, pauses
//	         and a wall clock
//	Chaos    a seeded story of pulled cables, loss, crashes, pauses and wrong clocks
//	Check    what must hold whatever happens
//
// A World belongs to one goroutine.
package sim
