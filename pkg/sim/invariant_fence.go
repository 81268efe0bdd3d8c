package sim

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

func (v *fences) ran(r *Router, f *vrrp.RunFence) {
	now, rec := v.World.now, v.of(r)
	if rec.fence.running {
		v.violate("%s fences %v while its last fence command runs", r.Name, f.Active)
	}
	if s := r.group().State(); s != event.Backup {
		v.violate("%s fences %v in %v", r.Name, f.Active, s)
	}
	for _, p := range r.ports {
		if p.proved.Before(rec.fence.asking) {
			v.violate("%s fences %v, although no station has answered on %s since %v", r.Name, f.Active, p.name, now.Sub(rec.fence.asking))
		}
	}
	if !v.remembers(r) {
		return
	}
	silent := rec.known(r.instance(f.Instance.Name).at)
	if !slices.ContainsFunc(silent, func(o heard) bool { return o.source == f.Active && o.priority > 0 && o.at.After(rec.activeSince) }) {
		v.violate("%s fences %v, which has not been silent since it was heard as Active", r.Name, f.Active)
	}
	for _, in := range r.instances {
		for _, o := range rec.heard[in.at] {
			ago := now.Sub(o.at)
			if o.priority > 0 && in.counts(o, ago) && !o.at.Before(in.joined) &&
				!outdone(o, rec.heard[in.at]) && !v.endedSince(r, o, r.priority()) && !v.diedSince(r, o) {
				v.violate("%s fences %v although it heard %v on %s %v ago", r.Name, f.Active, o.source, in.Name, ago)
			}
		}
	}
}

func (v *fenced) tookOver(r *Router, ours uint8) {
	now, rec, f := v.World.now, v.of(r), r.groups[0].Fence
	if f == nil || !v.remembers(r) {
		return
	}
	silent := v.fellSilent(r)
	switch {
	case silent.IsZero() || v.preempts(r, ours):
	case endsWait(rec.fence.why) && rec.fence.passed.Before(silent):
		v.violate("%s became Active %v after the last advert, without a fence, because of %s", r.Name, now.Sub(silent), rec.fence.why)
	case rec.fence.why == event.FenceFailed && (!f.Proceed || rec.fence.failed.Before(silent)):
		v.violate("%s became Active %v after the last advert, although its fence may not fail (%v)", r.Name, now.Sub(silent), !f.Proceed)
	}
}

// endsWait reports whether a router with that reason has become Active because an Active was gone.
func endsWait(why event.Reason) bool {
	return why == event.ActiveTimeout || why == event.PeerDead || why == event.PeerResigned
}

// preempts reports whether a router with the priority ours has heard a worse Active that counts as
// alive.
func (v *fenced) preempts(r *Router, ours uint8) bool {
	for _, in := range r.instances {
		for _, o := range v.of(r).heard[in.at] {
			if o.priority > 0 && o.priority < ours && v.World.now.Sub(o.at) <= time.Duration(in.Miss+1)*o.interval {
				return true
			}
		}
	}
	return false
}

// fellSilent returns when a router last heard an Active, since it was Active itself, that neither
// resigned nor had a successor since; zero if there is none.
func (v *fenced) fellSilent(r *Router) (silent time.Time) {
	rec := v.of(r)
	for _, in := range r.instances {
		known := rec.known(in.at)
		for _, o := range known {
			if o.priority > 0 && o.at.After(latest(rec.leftAt, in.joined)) && !succeeded(o, known, in.Miss) && !v.resigned(r, o) {
				silent = latest(silent, o.at)
			}
		}
	}
	return silent
}

// succeeded reports whether another Active was heard on the same instance after o: a better one, to
// which o yielded, or one that took over after o had missed so many adverts.
func succeeded(o heard, all []heard, miss int) bool {
	return slices.ContainsFunc(all, func(by heard) bool {
		p := max(by.priority, by.was)
		better := p > o.priority || p == o.priority && o.source.Less(by.source)
		return by.source != o.source && by.at.After(o.at) && (better || by.at.Sub(o.at) >= time.Duration(miss)*o.interval)
	})
}

// resigned reports whether a router has heard, after o, the resignation of an Active that counts as
// the same router on another segment: it had the same priority, or it is the same router.
func (v *fenced) resigned(r *Router, o heard) bool {
	rec := v.of(r)
	for i := range rec.heard {
		for _, by := range rec.known(i) {
			if by.priority == 0 && !by.at.Before(o.at) && (by.was == o.priority || v.oneMachine(by.source, o.source)) {
				return true
			}
		}
	}
	return false
}
