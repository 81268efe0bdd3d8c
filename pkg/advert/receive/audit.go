package receive

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// A Backup takes silence for the end of the Active, so a socket that hears nothing
// for another reason makes a second Active. What can be known of that is looked up
// as state, and not concluded from events: that the socket is open, that its link is
// a member of the group, that the kernel would accept the adverts of those who were
// heard before (see reach). It is looked up whenever the link changes, periodically,
// and above all when a takeover is verified, before it is answered.
//
// A positive proof is not asked for: that something multicast has been heard lately,
// such as a query or another virtual router's advert. On a segment of two routers
// without a querier nothing else is multicast once the Active is dead, and nobody
// would ever take over. What the machine cannot know, that a switch forwards the
// group to its port, is asked for after each return of the link instead (see
// vrrp.Forwards): there the membership is reported ahead of every question.

// How often the sockets are looked at where nothing happens: so that on a machine
// with many links this costs a hundredth of one CPU at most.
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
	begun := r.cfg.Now()
	members := make(map[event.Family]map[int]bool)
	for _, w := range r.wanted {
		if w.port == nil {
			continue
		}
		if why := r.deafness(w, members); why != nil {
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

// deafness returns why the open socket of a want would hear nothing; nil if nothing
// is known against it. members are those of the families that were looked up.
func (r *Receiver) deafness(w *want, members map[event.Family]map[int]bool) error {
	if w.socketKey.early || w.socketKey.own {
		if !w.port.bound() {
			return errors.New("its packet socket has come off the link")
		}
		return nil
	}
	all, known := members[w.family]
	if !known {
		all, _ = r.members(w.family) // nil: it cannot be known
		members[w.family] = all
	}
	if all != nil && !all[w.port.index] {
		return fmt.Errorf("the link is no member of %v any more", wire.GroupOf(w.family))
	}
	return nil
}

// mend opens the socket of a want anew. Silence up to now proves nothing: the
// instances wait anew.
func (r *Receiver) mend(w *want, why error) {
	r.open(w)
	if w.port == nil {
		return // fail has reported it
	}
	now := r.cfg.Now()
	w.mended++
	if now.Sub(w.mendedAt) >= mendedEvery {
		r.announceDeaf(w, Deaf{Err: why.Error(), Count: w.mended, Mended: true}, now)
		w.mendedAt = now
	}
	r.waitAnew(w, now)
}

// announceDeaf publishes a Deaf for each instance of a want.
func (r *Receiver) announceDeaf(w *want, d Deaf, now time.Time) {
	for _, name := range w.instances {
		d.Stamp = event.Stamp{Cause: r.cfg.Minter.Cause(now), At: now}
		d.Instance, d.Interface = name, w.socketKey.link
		r.cfg.Events.Publish(d)
	}
}

// judge reports for the instances of a want whether they are deaf, where that has
// changed.
func (r *Receiver) judge(w *want) {
	now := r.cfg.Now()
	for _, name := range w.instances {
		var all []string
		for _, at := range socketKeysOf(w.socketKey.link) {
			if o := r.wanted[at]; o != nil && at.family == w.family && o.err != "" {
				all = append(all, o.err)
			}
		}
		err := strings.Join(all, "; ")
		if err == r.deaf[name] {
			continue
		}
		r.deaf[name] = err
		if err != "" {
			err = fmt.Sprintf("adverts on %s would not be heard: %s; it is tried again each second", w.socketKey.link, err)
		}
		r.cfg.Results.Publish(vrrp.Condition{
			Cause: r.cfg.Minter.Cause(now), Instance: name, Reason: event.Deaf, Err: err, On: err != "",
		})
	}
}
