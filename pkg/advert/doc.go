// Package advert decides which advert of this router leaves at which instant. Plan takes the
// orders of the router and returns, turn by turn, the messages to send; pkg/advert/send sends
// them, pkg/advert/receive receives those of other routers, and pkg/advert/validate decides which
// of these are accepted.
//
// The package is pure: its values belong to one goroutine, take the time as an argument, and do
// no I/O, so that a simulator runs the same code.
package advert
