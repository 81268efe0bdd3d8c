// Package advert decides which advert of ours leaves at which instant. Plan takes the
// orders of the router and returns, turn by turn, the messages to send; pkg/advert/send
// sends them, pkg/advert/receive hears those of others, and pkg/advert/validate decides
// which of these are believed.
//
// All of it is pure: it is for one goroutine, takes the time as an argument, and does
// no I/O, so that a simulator runs the same code.
package advert
