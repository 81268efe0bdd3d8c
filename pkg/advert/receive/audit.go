package receive

import (
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// A Backup takes silence for the end of the Active, so a socket that receives nothing for another
// reason makes a second Active. As far as possible ripcord looks up the state and does not
// conclude it from events: that the socket is open, that its link is a member of the group, that
// the kernel would accept the adverts of the routers that were heard before (see reach). It looks
// whenever the link changes, periodically, and above all when a takeover is verified, before it
// answers.
//
// It does not ask for a positive proof, such as a multicast packet (a query, or another virtual
// router's advert) that was received lately. On a segment of two routers without a querier
// nothing else is multicast once the Active is dead, and no router would ever take over. The
// machine cannot know whether a switch forwards the group to its port, so after each return of
// the link proof of that is required (see vrrp.Forwards), and the membership is reported before
// every question.

// The periods of the audit while nothing happens are chosen so that on a machine with many links
// it costs a hundredth of one CPU at most.
const (
	auditEvery = time.Second
	auditShare = 100
	// mendedEvery is how often a link that was deaf for a moment is logged.
	mendedEvery = 10 * time.Second
)

// auditToVerify audits the sockets before a takeover, if that was not done just before: if many
// are verified, it takes half of the time at most.
func (r *Receiver) auditToVerify() {
	if now := r.cfg.Now(); now.After(r.audited) {
		r.audit()
	}
}

// auditWhenDue audits the sockets if that is due.
func (r *Receiver) auditWhenDue() {
	if now := r.cfg.Now(); !now.Before(r.auditAt) {
		r.audit()
	}
}

// audit opens each socket again that would receive nothing, and reports it.
func (r *Receiver) audit() {
	r.summary.take() // to know which adverts were delivered
	r.publishHeard()
	begun := r.cfg.Now()
	members := memberships{r.members, r.wanted, make(map[event.Family]map[membership]bool), make(map[event.Family]error)}
	for _, w := range r.wanted {
		if w.port == nil {
			continue
		}
		if why := w.deafness(&members); why != nil {
			r.mend(w, why)
		}
	}
	r.cfg.Questions.Asked(event.AskMemberships4, members.errs[event.IPv4], begun)
	r.cfg.Questions.Asked(event.AskMemberships6, members.errs[event.IPv6], begun)
	for _, w := range r.wanted { // now the links are members again
		if w.packet() {
			r.reexamine(w)
		} else {
			r.auditDelivery(w)
		}
	}
	ended := r.cfg.Now()
	took := ended.Sub(begun)
	r.auditAt, r.audited = deadline.Coalesce(ended, max(auditEvery, auditShare*took)), ended.Add(took)
}

// mend opens a socket again. The silence until now proves nothing: the instances restart their
// waits.
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

// reexamine asks the kernel again about the known sources of a link. If it no longer delivers
// adverts of a source, the silence until now proves nothing.
func (r *Receiver) reexamine(w *socket) {
	four := w.families[event.IPv4]
	if !w.link.Usable || four == nil || len(four.reach.delivered)+len(four.reach.withheld) == 0 {
		return
	}
	now := r.cfg.Now()
	changed, lost := w.reexamine(r.delivers, now)
	if changed {
		r.summary.stopAll()
		r.acceptor.Withhold(w.socketKey.link, four.reach.sources())
		// If it fails, Accept ignores adverts that are read twice.
		_ = w.refilter()
	}
	if lost {
		r.reports.waitAnew(w, now)
	}
	r.reports.withheld(w, now)
}

// askRoutes asks the kernel whether it delivers packets, and records whether it answers.
func (r *Receiver) askRoutes(index int, source, dest netip.Addr) (bool, error) {
	delivered, err := r.routes.delivers(index, source, dest)
	r.cfg.Questions.Asked(event.AskReversePath, err, r.cfg.Now())
	return delivered, err
}

// auditDelivery reports for the instances of a raw socket whether the firewall drops their
// adverts, and makes the packet socket of the link receive the adverts that it must examine.
func (r *Receiver) auditDelivery(raw *socket) {
	now := r.cfg.Now()
	deliveries := raw.families[raw.family].deliveries
	dropped, over := deliveries.audit(now)
	for _, v := range over {
		r.reports.notFiltered(v, now)
	}
	if len(dropped) > 0 {
		r.drain(raw, now) // it may deliver adverts that have arrived
	}
	for _, v := range dropped {
		if v.missed > 0 {
			r.reports.filtered(raw, v, r.delivers, now)
		}
	}
	r.wanted.packetOf(raw.socketKey.link).watch(raw.family, deliveries.watch(now))
}
