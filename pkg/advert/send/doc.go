// Package send sends the adverts of an advert.Plan. Engine repeats prebuilt adverts at absolute
// instants on its own goroutine, which is locked to a thread while Run runs; Do may be called
// from any goroutine and never blocks. RawSender owns the sockets.
package send
