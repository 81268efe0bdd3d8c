// Package vrrp has the types of virtual routers that other packages share: their configuration
// (config.go), the facts that the state machine of a group is given (input.go), the effects that
// it wants (effect.go), its snapshot (status.go), the source of their adverts (source.go), how the
// machine of an Active is watched (liveness.go) and the intervals of RFC 9568 §6.1 (timing.go).
//
// The state machine itself is pkg/vrrp/machine. Below it are values of their own: the other
// routers that were heard (pkg/vrrp/heard), the trackers (pkg/vrrp/tracker) and the progress of a
// fence (pkg/vrrp/fence).
package vrrp
