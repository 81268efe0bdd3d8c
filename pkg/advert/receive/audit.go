package receive

import (
	"time"

	"ripcord/pkg/event"
)

// A Backup takes silence for the end of the Active, so a socket that hears nothing for
// another reason makes a second Active. As far as this can be known it is looked up as state,
// and not concluded from events: that the socket is open, that its link is a member of the
// group, that the kernel would accept the adverts of those who were heard before (see reach).
// It is looked up whenever the link changes, periodically, and above all when a takeover is
// verified, before it is answered.
//
// A positive proof is not asked for: that something multicast has been heard lately, such as
// a query or another virtual router's advert. On a segment of two routers without a querier
// nothing else is multicast once the Active is dead, and nobody would ever take over. The
// machine cannot know whether a switch forwards the group to its port, so after each return
// of the link proof of that is asked for (see vrrp.Forwards), and the membership is reported
// ahead of every question.

// Periods of the audit while nothing happens, chosen so that on a machine with many links it
// costs a hundredth of one CPU at most.
const (
	auditEvery = time.Second
	auditShare = 100
	// mendedEvery is how often a link that was deaf for a moment is logged.
	mendedEvery = 10 * time.Second
)

// auditToVerify looks at the sockets ahead of a takeover, if that was not done just
// now: where many are verified it takes half of the time at most.
func (r *Receiver) auditToVerify() {
	if now := r.cfg.Now(); now.After(r.audited) {
		r.audit()
	}
}

// auditWhenDue looks at the sockets if it is time to.
func (r *Receiver) auditWhenDue() {
	if now := r.cfg.Now(); !now.Before(r.auditAt) {
		r.audit()
	}
}

// audit opens anew each socket that would hear nothing, and reports it.
func (r *Receiver) audit() {
	r.summary.take() // so that it is known what was delivered
	r.publishHeard()
	begun := r.cfg.Now()
	members := memberships{r.members, r.wanted, make(map[event.Family]map[membership]bool)}
	for _, w := range r.wanted {
		if w.port == nil {
			continue
		}
		if why := w.deafness(&members); why != nil {
			r.mend(w, why)
		}
	}
	for _, w := range r.wanted { // now that the links are members again
		if w.socketKey.early {
			r.reexamine(w)
		}
		if w.socketKey.own {
			r.auditDelivery(w)
		}
	}
	ended := r.cfg.Now()
	r.auditAt, r.audited = ended.Add(max(auditEvery, auditShare*ended.Sub(begun))), ended.Add(ended.Sub(begun))
}

// mend opens a socket anew. Silence up to now proves nothing: the
// instances wait anew.
func (r *Receiver) mend(w *socket, why error) {
	r.open(w)
	if w.port == nil {
		return // fail has reported it
	}
	now := r.cfg.Now()
	w.mended++
	if now.Sub(w.mendedAt) >= mendedEvery {
		r.reports.announceDeaf(w, Deaf{Err: why.Error(), Count: w.mended, Mended: true}, now)
		w.mendedAt = now
	}
	r.reports.waitAnew(w, now)
}

// reexamine has the kernel asked again about the known sources of a link. If it has ceased to
// deliver adverts of a source, silence up to now proves nothing.
func (r *Receiver) reexamine(w *socket) {
	if !w.link.Usable || len(w.reach.delivered)+len(w.reach.withheld) == 0 {
		return
	}
	now := r.cfg.Now()
	changed, lost := w.reexamine(r.delivers, now)
	if changed {
		r.summary.stopAll()
		r.acceptor.Withhold(w.socketKey.link, w.reach.sources())
		w.refilter()
	}
	if lost {
		r.reports.waitAnew(w, now)
	}
	r.reports.withheld(w, now)
}

// auditDelivery reports for the instances of a link and family whether the firewall
// drops their adverts, and has the packet socket look for those that are silent.
func (r *Receiver) auditDelivery(w *socket) {
	now := r.cfg.Now()
	dropped, over := w.deliveries.audit(now)
	for _, v := range over {
		r.reports.notFiltered(v, now)
	}
	if raw := r.wanted.rawOf(w); len(dropped) > 0 && raw != nil {
		r.drain(raw, now) // which may deliver what has arrived
	}
	for _, v := range dropped {
		if v.missed > 0 {
			r.reports.filtered(w, v, r.delivers, now)
		}
	}
	w.watchVRIDs(w.deliveries.silent(now))
}
