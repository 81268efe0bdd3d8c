package router

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp/machine"
)

// dispatch sends out orders in a fixed order: adverts, then addresses, then events. A transition
// is published only when the snapshots show it, so that a reader of the event who requests the
// status sees it.
func (r *Router) dispatch(out *Orders) {
	if len(out.Adverts) > 0 {
		r.cfg.Engine.Do(out.Adverts...)
	}
	r.core.Ordered(r.cfg.Now(), out)
	if len(out.Addresses) > 0 {
		r.cfg.Addresses.Do(out.Addresses...)
	}
	if len(out.Ask) > 0 {
		r.cfg.Addresses.Ask(out.Ask...)
	}
	if len(out.Watches) > 0 {
		r.cfg.Watcher.Watch(out.Watches...)
	}
	if len(out.Summaries) > 0 {
		r.cfg.Receiver.Summarize(out.Summaries...)
	}
	if v := out.Verify; v != nil {
		r.cfg.Receiver.Verify(v.Ticket)
		r.cfg.Confirmer.Verify(v.Ticket, v.Interfaces)
	}
	for _, f := range out.Fences {
		r.cfg.Fencer.Fence(f)
	}
	if r.cfg.Record != nil {
		for _, e := range out.Records {
			r.cfg.Record.Actives(e.Instance.Name, e.Actives)
		}
	}
	if len(out.Events) > 0 {
		r.report(out.Events)
	}
}

// report publishes events, after the snapshots that show the same facts.
func (r *Router) report(events []event.Event) {
	for _, e := range events {
		switch e := e.(type) {
		case event.InstanceTransition:
			r.moved(e)
		case event.ProbeDead:
			r.count(e.Virtual, stats.ProbeDeaths)
		case event.ProbeSuspended:
			r.count(e.Virtual, stats.ProbeFalseAlarms)
		}
	}
	r.publish(r.cfg.Now())
	for _, e := range events {
		switch e := e.(type) {
		case event.Warning:
			r.cfg.Warnings.Set(!e.Over, e) // publishes the warning if it has changed
			continue
		case event.AdvertRival:
			if w, ok := e.Warning(); ok {
				r.cfg.Warnings.ReportAs(w, e) // likewise
				continue
			}
		}
		r.cfg.Events.Publish(e)
	}
}

// moved counts a transition, and makes the next publish send the confirmer the links of groups
// that are Active or Backup.
func (r *Router) moved(t event.InstanceTransition) {
	r.count(t.Virtual, stats.Transitions)
	if t.To == event.Active {
		r.count(t.Virtual, stats.ActiveTransitions)
	}
	r.engaged = false
}

func (r *Router) count(of event.Virtual, c stats.Counter) {
	if s := r.cfg.Stats.Of(of.Name); s != nil {
		s.Add(c)
	}
}

// publish updates the snapshots of the groups that were stepped.
func (r *Router) publish(now time.Time) {
	status := *r.status.Load()
	r.core.Touched(func(i int, m *machine.Machine) { status[i].Store(m.Status(now)) })
	if !r.engaged {
		r.engaged = true
		r.cfg.Confirmer.Engage(r.core.Engaged())
	}
}
