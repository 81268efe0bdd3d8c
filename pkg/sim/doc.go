// Package sim plays whole LANs in virtual time: the same state machines, router
// orders, advert plan and judgement of adverts as in the daemon, on links and
// segments that are values. Nothing waits, and a run is replayed exactly from its seed.
//
//	World    the clock and what is due: one queue, one goroutine (world.go, agenda.go)
//	Segment  a switch: the ports that are plugged in hear one another, late or not at all
//	Port     a router's link to a segment, with its cable, address and filter
//	Router   router.Core, advert.Plan and validate.Acceptor, with power, pauses and a wall
//	         clock: its loop (loop.go), engine (engine.go), address worker (worker.go) and
//	         fence command (fence.go)
//	Chaos    a seeded story of disturbances, with times of quiet between
//	Check    what must hold whatever happens: the list stands at its type
//
// A World belongs to one goroutine.
package sim
