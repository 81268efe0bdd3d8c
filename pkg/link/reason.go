package link

import "ripcord/pkg/event"

// outage is the absence of a link's carrier, and the reason that its driver reported.
type outage struct {
	lasts  bool
	query  bool        // the driver has to be asked for the reason
	reason string      // empty if the driver has not reported one
	cause  event.Cause // the cause of the change that made the link unusable
}

// update records whether the carrier is absent. It reports whether that has changed: if so, it
// drops the reason, and ask decides whether to query the driver.
func (o *outage) update(absent bool, ask func() bool) (changed bool) {
	if absent == o.lasts {
		return false
	}
	*o = outage{lasts: absent, query: absent && ask()}
	return true
}

// explain records the driver's answer. It reports whether the driver was asked.
func (o *outage) explain(reason string) bool {
	if !o.query {
		return false
	}
	o.query, o.reason = false, reason
	return true
}
