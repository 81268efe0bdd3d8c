package event

import (
	"fmt"
	"net/netip"
	"time"
)

// AuthSkew reports that the time in an authentic advert differs from ours: the clocks of two
// routers differ.
type AuthSkew struct {
	Stamp
	Instance string
	Source   netip.Addr
	Skew     time.Duration // the time in the advert minus ours
	Window   time.Duration // the maximum difference that is accepted
	Rejected bool          // the difference is greater than Window
	// Old is set for a rejected advert that proves nothing, since it may be a recorded one.
	Old bool
}

func (AuthSkew) Name() string { return "auth.skew" }

// Level returns Warn, and Error if adverts are rejected because of the difference.
func (e AuthSkew) Level() Level {
	if e.Rejected {
		return Error
	}
	return Warn
}

func (e AuthSkew) Message() string {
	apart := fmt.Sprintf("%v ahead of", e.Skew.Round(time.Millisecond))
	if e.Skew < 0 {
		apart = fmt.Sprintf("%v behind", -e.Skew.Round(time.Millisecond))
	}
	switch {
	case e.Old:
		return fmt.Sprintf("%s: adverts of %s are rejected, %s our clock: its clock was set back, or old adverts are being replayed: synchronize both clocks; if they are right, find the machine that sends the adverts", e.Instance, e.Source, apart)
	case e.Rejected:
		return fmt.Sprintf("%s: adverts of %s are rejected: its clock is %s ours; synchronize both", e.Instance, e.Source, apart)
	}
	return fmt.Sprintf("%s: the clock of %s is %s ours; synchronize both: beyond %v its adverts are rejected", e.Instance, e.Source, apart, e.Window)
}

func (e AuthSkew) Fields() []Field {
	return []Field{
		{"instance", e.Instance}, {"source", e.Source.String()}, {"skew_ms", e.Skew.Round(time.Millisecond).Milliseconds()}, {"rejected", e.Rejected},
	}
}
