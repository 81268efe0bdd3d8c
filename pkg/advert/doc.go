// Package advert decides when an advert of ours leaves, and which adverts of
// others are believed.
//
// Engine repeats prebuilt adverts at absolute instants on its own goroutine,
// which is locked to a thread while Run lasts; Do may be called from any
// goroutine and never blocks. Receiver owns the raw receive sockets on another;
// Verify may be called from any goroutine and never blocks. Both publish what
// they find on the bus. Plan, Acceptor and what they stand on are pure: they
// are for one goroutine, take the time as an argument, and do no I/O, so that a
// simulator runs the same code.
package advert
