// Package vrrp has the types of virtual routers that other packages share: their configuration
// (config.go), the facts that the state machine of a group absorbs (input.go), the effects that
// it returns (effect.go), its snapshot (status.go), the source address of adverts (source.go), how
// the machine of an Active is watched (liveness.go) and the intervals of RFC 9568 §6.1 (timing.go).
//
// The state machine itself is pkg/vrrp/machine. It uses three packages: the other routers that
// were heard (pkg/vrrp/heard), the trackers (pkg/vrrp/tracker) and the progress of a fence
// (pkg/vrrp/fence).
package vrrp
