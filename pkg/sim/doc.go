// Package sim plays whole LANs in virtual time: the same state machines, router
// orders, advert plan and checks of adverts as in the daemon, on links and
// segments that are values. Nothing waits, and a run is replayed exactly from its seed.
//
//	World     the LAN: its routers and segments, its time and planned actions (agenda.go), and
//	          when it was last disturbed (unrest.go)
//	Segment   a switch: frames reach the other plugged ports, late or not at all
//	Port      a router's link to a segment, with its cable, addresses and filter
//	Router    router.Core and the parts around it, each a value in a file of its name: the loop,
//	          the monitor of the links, the receiver, the advert engine, the address worker, the
//	          fence command, the trackers and the wall clock; with power and pauses (power.go),
//	          its configuration, and orders of a person
//	Chaos     seeded disturbances, with quiet times between
//	Check     the invariants, which are all listed on one page, invariants.go
//
// A World belongs to one goroutine.
package sim
