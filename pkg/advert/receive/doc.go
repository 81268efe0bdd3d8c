// Package receive receives the adverts of other routers: Receiver owns the receive sockets, on a
// goroutine of its own, and publishes on the bus the results of a validate.Acceptor for the
// packets. It also checks that adverts of others would reach the sockets
// (docs/architecture.md#hearing). Verify may be called from any goroutine and never blocks.
package receive
