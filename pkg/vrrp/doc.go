// Package vrrp says what virtual routers are, for all that deal with them: their
// configuration (config.go), the facts that the state machine of a group is given (input.go),
// the effects that it wants (effect.go), its snapshot (status.go), the source of their
// adverts (source.go) and the intervals of RFC 9568 §6.1 (timing.go).
//
// The state machine itself is pkg/vrrp/machine. What others are heard, what is tracked, and
// how far a fence has come are values of their own below it: pkg/vrrp/heard,
// pkg/vrrp/tracker, pkg/vrrp/fence.
package vrrp
