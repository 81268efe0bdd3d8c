// Package send sends the adverts that an advert.Plan wants sent. Engine repeats prebuilt
// adverts at absolute instants on its own goroutine, which is locked to a thread while
// Run lasts; Do may be called from any goroutine and never blocks. RawSender owns the
// sockets.
package send
