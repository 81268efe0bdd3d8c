package sim

import (
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

func (v *whole) turned(r *Router, active bool) {
	hold := active && !r.group().Confirming() // otherwise it has advertised, and the addresses wait
	for _, in := range r.gone {
		if in.held || in.advertised {
			v.violate("%s no longer has %s: held %v, advertised %v", r.Name, in.Name, in.held, in.advertised)
		}
	}
	for _, in := range r.instances {
		stood := in.held && active && r.groups[0].LastStanding // alone, before its group took over
		if !in.alone() && (in.held != hold && !stood || in.advertised != active) {
			v.violate("%s has moved partly: group %v, %s held %v, advertised %v", r.Name, r.group().State(), in.Name, in.held, in.advertised)
		}
	}
}

func (v *linked) turned(r *Router, active bool) {
	if !active {
		return
	}
	if r.trackers.barred(r.trackers.knowledge) || r.isReleased() {
		v.violate("%s is Active although it is released (%v) or knows that a tracker has failed", r.Name, r.isReleased())
	}
	for _, in := range r.instances {
		if !in.port.known && !in.alone() {
			v.violate("%s is Active although it knows that %s is down", r.Name, in.Interface)
		}
	}
}

func (v *weighed) turned(r *Router, _ bool) {
	if p, want := r.group().Priority(), r.trackers.weighed(); p != want && !(p == r.groups[0].Impaired() && r.mayBeImpaired()) && !r.memory.weighs(p) {
		v.violate("%s has priority %d, but its trackers make it %d", r.Name, p, want)
	}
}

func (v *weighed) sent(in *instance, m *advert.Message) {
	if m.Occasion == advert.Trial || m.Occasion == advert.Resignation || !in.mayAdvertise() {
		return
	}
	want := in.router.group().Priority()
	if in.alone() {
		want = vrrp.Impaired
	}
	if p := m.Payload[priorityAt]; p != want {
		v.violate("%s advertises %s with priority %d, but has %d", in.router.Name, in.Name, p, want)
	}
}

// priorityAt is the offset of the priority in an advert.
const priorityAt = 2

func (v *last) turned(r *Router, _ bool) {
	for _, in := range r.instances {
		if !in.alone() {
			continue
		}
		v.Alone++
		if !in.held || !in.advertised {
			v.violate("%s serves %s alone: held %v, advertised %v", r.Name, in.Name, in.held, in.advertised)
		}
		if !in.port.known || r.isReleased() {
			v.violate("%s serves %s alone although its link is down (%v) or it is released (%v)", r.Name, in.Name, !in.port.known, r.isReleased())
		}
	}
}

// sent checks a message. A message that leaves before a priority 0 of the same turn was ordered
// before it, and a router in Fault probes.
func (v *silent) sent(in *instance, m *advert.Message) {
	r, now, resigned := in.router, v.World.now, v.resigned[in]
	switch {
	case m.Occasion == advert.Trial:
		if in.advertised || in.held {
			v.violate("%s probes for %s while it serves", r.Name, in.Name)
		}
	case m.Occasion == advert.Resignation:
		v.resigned[in] = now
	case in.mayAdvertise():
		delete(v.resigned, in)
	case !resigned.IsZero() && !in.begun.After(resigned) || now.After(in.silenced):
		v.violate("%s advertises %s although it was ordered not to", r.Name, in.Name)
	}
}

func (v *believed) logged(r *Router, logged event.Event) {
	e, ok := logged.(event.AdvertRejected)
	if !ok {
		return
	}
	old := e.Reason == string(wire.AuthStale) || e.Reason == string(wire.AuthReplay)
	foreign := e.Reason == string(wire.VersionError) && v.World.mixed()
	// A group that has left a virtual router knows neither its VRID nor its key.
	left := (e.Reason == string(wire.VRIDError) || e.Reason == string(wire.PacketLengthError)) &&
		(len(r.gone) > 0 || v.World.now.Sub(r.lacked) < time.Minute)
	stolen := e.Reason == string(wire.NotAPeer) && stolen(r, e)
	if !(old && r.instances[0].HMAC != nil) && !foreign && !left && !stolen {
		v.violate("%s: %s", r.Name, e.Message())
	}
}

// stolen reports whether an advert has the configured address of a router that the router does
// not have as far as it knows: another router, a clone, sends from it, and no router is a peer of
// its own.
func stolen(r *Router, e event.AdvertRejected) bool {
	p := r.Port(e.Interface)
	return p.own.has(e.Source) && !(p.seen.Primary4 == e.Source || p.seen.LinkLocal6 == e.Source)
}
