// Package receive hears the adverts of others: Receiver owns the receive sockets, on a
// goroutine of its own, and publishes on the bus what a validate.Acceptor makes of the
// packets. It watches, too, that what others send would reach the sockets
// (docs/architecture.md#hearing). Verify may be called from any goroutine and never
// blocks.
package receive
