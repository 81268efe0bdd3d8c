package vrrp

import (
	"time"

	"ripcord/pkg/wire"
)

// SkewTime returns ((256 - priority) * interval) / 256 (RFC 9568 §6.1), in
// nanoseconds, so that Backups of different priority differ at any interval.
func SkewTime(priority uint8, interval time.Duration) time.Duration {
	return time.Duration(256-int64(priority)) * interval / 256
}

// ActiveDownInterval returns miss * interval + SkewTime (RFC 9568 §6.1, where miss
// is 3).
func ActiveDownInterval(priority uint8, interval time.Duration, miss int) time.Duration {
	return time.Duration(miss)*interval + SkewTime(priority, interval)
}

// Timing is the values from which the intervals of a router are computed, beside the interval of
// the Active.
type Timing struct {
	Version  wire.Version
	Priority uint8
	Miss     int
}

// Timing returns the timing of the instance at a priority.
func (in *Instance) Timing(priority uint8) Timing { return Timing{in.Version, priority, in.Miss} }

// SkewTime returns the Skew_Time for an Active that advertises every interval. In VRRPv2 it is
// (256 - priority) / 256 seconds whatever the interval (RFC 3768 §6.1).
func (t Timing) SkewTime(interval time.Duration) time.Duration {
	if t.Version == wire.V2 {
		interval = time.Second
	}
	return SkewTime(t.Priority, interval)
}

// ActiveDownInterval returns the Active_Down_Interval for an Active that advertises every
// interval; in VRRPv2 it is the Master_Down_Interval (RFC 3768 §6.1).
func (t Timing) ActiveDownInterval(interval time.Duration) time.Duration {
	return time.Duration(t.Miss)*interval + t.SkewTime(interval)
}
