package addr

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/route"
	"ripcord/pkg/vrrp"
)

// placements reports to the router which things that instances should hold are missing
// (vrrp.Placed), when that changes. The last report outlasts a release: an address that was missing
// then is assumed to be still missing.
type placements struct {
	ledger   *ledger
	routes   *route.Holder
	results  *bus.Topic[vrrp.Result]
	warnings *event.Warnings
	now      func() time.Time
	last     map[string]*placement         // by instance; of those that lack something
	warned   map[event.WarningKey]struct{} // for tolerated addresses, routes and rules
}

// placement is the last report about an instance.
type placement struct {
	missing []string
	degree  vrrp.Degree
	refused bool     // the kernel refuses all of it for what it is
	links   []string // the links concerned, by their names in the ledger or in a route
	anyLink bool     // a route without an interface is missing, and any link may carry it
	current bool     // it was reported since the instance is held

	tolerated []tolerated
}

// tolerated is an address, a route or a rule without which an instance serves.
type tolerated struct{ what, why string }

func newPlacements(cfg *Config, l *ledger, routes *route.Holder) *placements {
	return &placements{ledger: l, routes: routes, results: cfg.Results, warnings: cfg.Warnings, now: cfg.Now, last: make(map[string]*placement), warned: make(map[event.WarningKey]struct{})}
}

// report reports for each held instance what is missing, if that has changed.
func (p *placements) report() {
	now := p.now()
	inForce := make(map[event.WarningKey]struct{})
	defer func() { p.endWarnings(now, inForce) }()
	for _, name := range p.ledger.order {
		h, was := p.ledger.held[name], p.last[name]
		is, settled := p.judge(now, h)
		p.warn(now, h, is.tolerated, inForce)
		switch {
		case len(is.missing) == 0 && (was == nil || !settled):
			continue // nothing to take back, or it is too early
		case len(is.missing) > 0 && was != nil && was.current && slices.Equal(is.missing, was.missing) && is.degree == was.degree && is.refused == was.refused:
			continue
		}
		if delete(p.last, name); len(is.missing) > 0 {
			p.last[name] = new(is)
		}
		p.results.Publish(vrrp.Placed{Cause: h.cause, Instance: name, Missing: is.missing, Degree: is.degree, Refused: is.refused})
	}
}

// warn publishes a warning for each thing without which an instance serves, and puts it in force.
func (p *placements) warn(now time.Time, h *holding, all []tolerated, inForce map[event.WarningKey]struct{}) {
	for _, t := range all {
		text := withReason(t.what, t.why) + " is not in place"
		if !h.set.Static {
			text += ", and the instance serves without it"
		}
		w := event.Warning{
			Stamp: event.Stamp{Cause: h.cause, At: now}, Instance: h.set.Instance, Reason: event.WarnNotPlaced, Subject: t.what,
			Text: text + ": correct the configuration, or remove what prevents it",
		}
		inForce[w.Key()], p.warned[w.Key()] = struct{}{}, struct{}{}
		p.warnings.Report(w)
	}
}

// endWarnings ends the warnings that are no longer in force.
func (p *placements) endWarnings(now time.Time, inForce map[event.WarningKey]struct{}) {
	for key := range p.warned {
		if _, still := inForce[key]; !still {
			delete(p.warned, key)
			p.warnings.Clear(key, event.Stamp{At: now})
		}
	}
}

// judge returns what is missing of a held instance. settled is false while more may turn out to be
// missing.
func (p *placements) judge(now time.Time, h *holding) (is placement, settled bool) {
	is, settled = missingAddresses(p.ledger, h)
	is.current = true
	if !settled || !p.ledger.complete(h.set.Instance) {
		return is, settled // routes and rules come after the addresses
	}
	missing, settled := p.routes.Missing(now, h.set.Instance, h.within)
	for _, m := range missing {
		if h.set.Static || h.set.Tolerant && m.Refused {
			is.tolerated = append(is.tolerated, tolerated{m.String(), m.Reason})
			continue
		}
		is.refused = false // an interface, or a gateway, may come
		is.missing = append(is.missing, withReason(m.String(), m.Reason))
		is.links = append(is.links, m.Links()...)
		is.anyLink = is.anyLink || len(m.Links()) == 0
	}
	return is, settled
}

// missingAddresses returns the missing addresses of a held instance.
func missingAddresses(l *ledger, h *holding) (is placement, settled bool) {
	settled, is.refused = true, true
	advertised, stand, lacks := 0, 0, 0
	for _, e := range h.entries {
		missing := e.at == absent && e.missing
		settled = settled && (missing || e.at != absent)
		if !e.Extra {
			advertised++
		}
		if !missing && !e.Extra {
			stand++
		}
	}
	for _, e := range h.entries {
		if e.at != absent || !e.missing {
			continue
		}
		what, why := fmt.Sprintf("%s on %s", e.Prefix, l.nameOf(e)), e.failed
		if l.isDown(e) {
			why = fmt.Sprintf("the link %s is down", l.nameOf(e))
		}
		is.links = append(is.links, e.Interface, h.set.Link)
		if l.tolerated(h, e) && (stand > 0 || e.Extra || h.set.Static) {
			is.tolerated = append(is.tolerated, tolerated{what, why})
			continue
		}
		is.missing = append(is.missing, withReason(what, why))
		is.refused = is.refused && e.refused
		if !e.Extra {
			lacks++
		}
	}
	switch {
	case lacks == 0:
		is.degree = vrrp.Optional
	case lacks < advertised:
		is.degree = vrrp.Partial
	default:
		is.degree = vrrp.Total
	}
	is.refused = is.refused && len(is.missing) > 0
	return is, settled
}

func withReason(what, why string) string {
	if why == "" {
		why = "another program removed it, or its link is down"
	}
	return what + " (" + why + ")"
}

// expect begins a period in which an instance is held.
func (p *placements) expect(instance string) {
	if was := p.last[instance]; was != nil {
		was.current = false
		p.ledger.held[instance].within = againWithin
	}
}

// seeLink reports, when a link changes that an instance lacked and that is not held now, that it
// may be tried again. It is called before the ledger records the fact.
func (p *placements) seeLink(link event.Link) {
	old, ok := p.ledger.links[link.Name]
	if !ok {
		old = p.routes.Link(link.Name)
	}
	if old.Index == link.Index && old.AdminUp == link.AdminUp && old.Usable == link.Usable {
		return
	}
	for name, was := range p.last {
		if p.ledger.held[name] != nil || !was.anyLink && !slices.Contains(was.links, link.Name) {
			continue
		}
		delete(p.last, name)
		p.results.Publish(vrrp.Placed{Cause: link.Cause, Instance: name})
	}
}

// seeAddress reports, when another program's address comes or goes on a link, that addresses which
// the kernel refused there may be tried again for an instance that is not held now.
func (p *placements) seeAddress(fact event.Address) {
	if p.ledger.managed[fact.Prefix.Addr()] {
		return
	}
	onLink := func(name string) bool { return p.ledger.links[name].Index == fact.Index }
	for name, was := range p.last {
		if !was.refused || p.ledger.held[name] != nil || !slices.ContainsFunc(was.links, onLink) {
			continue
		}
		delete(p.last, name)
		p.results.Publish(vrrp.Placed{Cause: fact.Cause, Instance: name})
	}
}

// configure drops the report of an instance that is not held and whose set has changed or is gone:
// an address that was missing then may exist now.
func (p *placements) configure(cause event.Cause, instance string, configured bool) {
	was := p.last[instance]
	if was == nil || p.ledger.held[instance] != nil {
		return
	}
	delete(p.last, instance)
	if configured {
		p.results.Publish(vrrp.Placed{Cause: cause, Instance: instance})
	}
}
