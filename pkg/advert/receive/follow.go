package receive

import (
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
)

// A socket that cannot be opened is tried again, and that is logged at a limited rate.
const (
	retryEvery       = time.Second
	logFailuresEvery = 60 // failures
)

// follow opens, closes and reopens the sockets of a link.
func (r *Receiver) follow(l event.Link) {
	r.acceptor.Learn(l)
	for _, at := range socketKeysOf(l.Name) {
		w := r.wanted[at]
		if w == nil {
			continue
		}
		was := w.link
		w.link = l
		switch {
		case l.Index == 0:
			r.close(w)
			w.retry, w.failures, w.err = time.Time{}, 0, ""
			if !w.packet() {
				for _, v := range w.families[w.family].forget() {
					r.reports.notFiltered(v, r.cfg.Now())
				}
			}
			r.reports.judge(w, r.wanted)
		case w.port == nil, w.port.index != l.Index, recreated(was, l):
			r.open(w)
		}
	}
}

// recreated reports whether a link may have been removed and added again with its old index
// unnoticed: it was lost, but its count of losses has not grown. The new interface does not have
// the memberships of the old one.
func recreated(was, now event.Link) bool {
	return now.Downs > 0 && now.DownCount <= was.DownCount
}

// reopen tries again to open sockets that could not be opened.
func (r *Receiver) reopen() {
	now := r.cfg.Now()
	for _, w := range r.wanted {
		if !w.retry.IsZero() && !now.Before(w.retry) {
			r.open(w)
		}
	}
}

// open opens the socket again. The old one is closed first: leaving the group afterwards would
// end the new socket's membership as well.
func (r *Receiver) open(w *socket) {
	r.close(w)
	p, err := openPort(w.socketKey, w.link.Index, w.families, r.summary.filterOf(w))
	if err == nil {
		if err = r.poller.Watch(p.fd); err != nil {
			_ = p.close()
		}
	}
	if err != nil {
		r.fail(w, err)
		return
	}
	w.port, w.retry, w.failures, w.err = p, time.Time{}, 0, ""
	r.byFD[p.fd] = w
	r.summary.assign(w, r.cfg.Instances)
	if !w.packet() {
		w.families[w.family].deliveries.restart()
	}
	r.reports.judge(w, r.wanted)
}

func (r *Receiver) close(w *socket) {
	if w.port == nil {
		return
	}
	r.drain(w, r.cfg.Now())
	if w.port == nil {
		return // it failed in this call
	}
	r.summary.unassign(w)
	delete(r.byFD, w.port.fd)
	_ = w.port.close() // a raw socket has nothing left to lose
	w.port = nil
}

// fail closes a socket until its retry.
func (r *Receiver) fail(w *socket, err error) {
	now := r.cfg.Now()
	if w.port != nil {
		r.summary.unassign(w)
		delete(r.byFD, w.port.fd)
		_ = w.port.close()
		w.port = nil
	}
	w.retry = now.Add(retryEvery)
	w.failures++
	// A link that is gone is a fault of its own, as soon as that is known.
	if w.failures > 1 || !linkGone(err) {
		w.err = err.Error()
		r.reports.judge(w, r.wanted)
	}
	if w.failures%logFailuresEvery == 1 {
		r.reports.announceDeaf(w, Deaf{Err: err.Error(), Count: w.failures}, now)
	}
}

// watchFloods examines the ports whose kernel filter is shut, counts the packets that it dropped,
// and opens it when the flood is over; with all, it logs the remaining count.
func (r *Receiver) watchFloods(all bool) {
	now := r.cfg.Now()
	for _, w := range r.wanted {
		if w.port == nil {
			continue
		}
		due, on := w.port.flood.next()
		if !on || !all && now.Before(due) {
			continue
		}
		dropped := w.port.dropped(func() { r.drain(w, now) })
		if w.port == nil {
			continue // it failed in this call
		}
		r.cfg.Unknown.AddN(stats.FloodDrops, dropped)
		toLog, ended := w.port.flood.look(now, dropped, all)
		if toLog > 0 {
			r.cfg.Events.Publish(validate.Flooded(w.socketKey.link, w.family, toLog, now))
		}
		if ended {
			w.port.unshield()
		}
	}
}
