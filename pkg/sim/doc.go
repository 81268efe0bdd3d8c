// Package sim plays whole LANs in virtual time: the same state machines, router
// orders, advert plan and judgement of adverts as in the daemon, on links and
// segments that are values. Nothing waits, and a run is replayed exactly from its seed.
//
//	World     the LAN: its routers and segments, its time and all that is due (agenda.go), and
//	          when it was last disturbed (unrest.go)
//	Segment   a switch: the ports that are plugged in hear one another, late or not at all
//	Port      a router's link to a segment, with its cable, addresses and filter
//	Router    router.Core and the parts around it, each a value in a file of its name: the loop
//	          that leads, the monitor that sees links, the receiver that hears, the advert
//	          engine, the address worker, the fence command, what is tracked and the wall clock;
//	          with power and pauses (power.go), its configuration, and orders of a person
//	Chaos     a seeded story of disturbances, with times of quiet between
//	Check     what must hold whatever happens: all of it stands on one page, invariants.go
//
// A World belongs to one goroutine.
package sim
