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
	silent := rec.heard[r.instance(f.Instance.Name).at]
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

func (v *fenced) tookOver(r *Router, _ uint8) {
	now, rec, f := v.World.now, v.of(r), r.groups[0].Fence
	if f == nil || !v.remembers(r) {
		return
	}
	silent := v.fellSilent(r)
	switch {
	case silent.IsZero() || !silent.After(rec.leftAt):
	case (rec.fence.why == event.ActiveTimeout || rec.fence.why == event.PeerDead) && rec.fence.passed.Before(silent):
		v.violate("%s became Active %v after the last advert, without a fence", r.Name, now.Sub(silent))
	case rec.fence.why == event.FenceFailed && (!f.Proceed || rec.fence.failed.Before(silent)):
		v.violate("%s became Active %v after the last advert, although its fence may not fail (%v)", r.Name, now.Sub(silent), !f.Proceed)
	}
}

// fellSilent returns when a router last heard an Active that has not resigned since; zero if
// there is none.
func (v *fenced) fellSilent(r *Router) time.Time {
	var silent, resigned time.Time
	for _, in := range r.all {
		for _, o := range v.of(r).heard[in.at] {
			switch {
			case o.priority == 0: // and all of its group with it
				resigned = latest(resigned, o.at)
			case r.has(in) && !o.at.Before(in.joined):
				silent = latest(silent, o.at)
			}
		}
	}
	if !silent.After(resigned) {
		return time.Time{}
	}
	return silent
}
