package link

import "ripcord/pkg/event"

// outage is the absence of a link's carrier, and the reason that its driver reported.
type outage struct {
	lasts  bool
	query  bool        // the driver is to be asked for the reason
	reason string      // empty where the driver has not reported one
	cause  event.Cause // of the change that made the link unusable
}

// update takes in whether the carrier is absent. It reports whether that is news:
// then the reason is forgotten, and ask decides whether the driver is asked for it.
func (o *outage) update(absent bool, ask func() bool) (changed bool) {
	if absent == o.lasts {
		return false
	}
	*o = outage{lasts: absent, query: absent && ask()}
	return true
}

// explain takes in the driver's answer. It reports whether it was asked for.
func (o *outage) explain(reason string) bool {
	if !o.query {
		return false
	}
	o.query, o.reason = false, reason
	return true
}
