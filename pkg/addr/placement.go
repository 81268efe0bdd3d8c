package addr

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// placements remember, for each instance, what the router was last told to be missing
// of what it should hold (vrrp.Placed), so that it is told only what is new. They
// outlast a release: what was missing then is missing still, as far as anybody knows.
type placements map[string]*placement

// placement is what was last reported of an instance.
type placement struct {
	missing []string
	degree  vrrp.Degree
	links   []string // those concerned, as the ledger or a route names them
	current bool     // it was reported since the instance is held
}

// of returns the placement of an instance.
func (p placements) of(instance string) *placement {
	if p[instance] == nil {
		p[instance] = new(placement)
	}
	return p[instance]
}

// reportPlaced reports of each instance that is held what is missing, where that is
// news.
func (w *Worker) reportPlaced() {
	now := w.cfg.Now()
	for _, name := range w.ledger.order {
		h, was := w.ledger.held[name], w.placements.of(name)
		is, settled := w.placed(now, h)
		switch {
		case len(is.missing) == 0 && (len(was.missing) == 0 || !settled):
			continue // nothing to take back, or it is too early to say
		case len(is.missing) > 0 && was.current && slices.Equal(is.missing, was.missing) && is.degree == was.degree:
			continue
		}
		*was = is
		w.cfg.Results.Publish(vrrp.Placed{Cause: h.cause, Instance: name, Missing: is.missing, Degree: is.degree})
	}
}

// placed returns what is missing of a held instance. Settled is false while more may
// turn out to be missing.
func (w *Worker) placed(now time.Time, h *holding) (is placement, settled bool) {
	is, settled = w.ledger.placed(h)
	is.current = true
	if !settled || len(is.missing) > 0 {
		return is, settled // routes and rules come after the addresses
	}
	missing, settled := w.routes.Missing(now, h.set.Instance, h.within)
	for _, m := range missing {
		is.missing = append(is.missing, withReason(m.String(), m.Reason))
		is.links = append(is.links, m.Link())
	}
	return is, settled
}

// placed returns which addresses of a held instance are missing.
func (l *ledger) placed(h *holding) (is placement, settled bool) {
	settled = true
	advertised, stand := 0, 0
	for _, e := range h.entries {
		missing := e.at == nowhere && e.missing
		settled = settled && (missing || e.at != nowhere)
		if !e.Extra {
			advertised++
		}
		if !missing {
			if !e.Extra {
				stand++
			}
			continue
		}
		why := e.failed
		if l.isDown(e) {
			why = fmt.Sprintf("the link %s is down", l.nameOf(e))
		}
		is.missing = append(is.missing, withReason(fmt.Sprintf("%s on %s", e.Prefix, l.nameOf(e)), why))
		is.links = append(is.links, e.Interface, h.set.Link)
	}
	switch {
	case stand == advertised:
		is.degree = vrrp.Optional
	case stand > 0:
		is.degree = vrrp.Partial
	default:
		is.degree = vrrp.Total
	}
	return is, settled
}

func withReason(what, why string) string {
	if why == "" {
		why = "removed by somebody, or its link is down"
	}
	return what + " (" + why + ")"
}

// expect begins a time in which an instance is held.
func (w *Worker) expect(instance string) {
	h, was := w.ledger.held[instance], w.placements.of(instance)
	was.current = false
	if len(was.missing) > 0 {
		h.within = againWithin
	}
}

// retryPlaced reports, where a link changes on which something was missing of an
// instance that is not held now, that it may be tried again.
func (w *Worker) retryPlaced(link event.Link) {
	old, ok := w.ledger.links[link.Name]
	if !ok {
		old = w.routes.Link(link.Name)
	}
	if old.Index == link.Index && old.AdminUp == link.AdminUp && old.Usable == link.Usable {
		return
	}
	for name, was := range w.placements {
		if len(was.missing) == 0 || w.ledger.held[name] != nil || !slices.Contains(was.links, link.Name) {
			continue
		}
		*was = placement{}
		w.cfg.Results.Publish(vrrp.Placed{Cause: link.Cause, Instance: name})
	}
}
