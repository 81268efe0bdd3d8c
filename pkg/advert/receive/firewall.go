package receive

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/rawsock"
)

// compareDelivery compares a packet that the socket of a want heard with what the raw
// socket of the link delivers.
func (r *Receiver) compareDelivery(w *want, p *validate.Packet, v validate.Verdict, now time.Time) {
	if !w.socketKey.own && !w.socketKey.early || v.Valid || v.Rejected {
		if over := w.deliveries.deliver(r.acceptor.VRID(), now); over != nil {
			r.clearFiltered(w, over, now)
		}
		return
	}
	if !w.socketKey.own {
		return
	}
	if w.deliveries.heard++; w.deliveries.heard == arrivalsMost {
		r.watchVRIDs(w, vridSet{})
	}
	raw := r.rawOf(w)
	if raw == nil || raw.port == nil || raw.port.flood.on {
		return // it may miss adverts for another reason
	}
	if x, ok := r.acceptor.Arrived(p); ok {
		w.deliveries.see(x, now)
	}
}

// rawOf returns the raw socket's want of the link and family of another.
func (r *Receiver) rawOf(w *want) *want {
	return r.wanted[socketKey{link: w.socketKey.link, family: w.family}]
}

// auditDelivery reports for the instances of a link and family whether the firewall
// drops their adverts, and has the packet socket look for those that are silent.
func (r *Receiver) auditDelivery(w *want) {
	now := r.cfg.Now()
	dropped, over := w.deliveries.audit(now)
	for _, v := range over {
		r.clearFiltered(w, v, now)
	}
	if raw := r.rawOf(w); len(dropped) > 0 && raw != nil {
		r.drain(raw, now) // which may deliver what has arrived
	}
	for _, v := range dropped {
		if v.missed > 0 {
			r.reportFiltered(w, v, now)
		}
	}
	r.watchVRIDs(w, w.deliveries.silent(now))
}

// watchVRIDs has the packet socket of a want hear the adverts of VRIDs.
func (r *Receiver) watchVRIDs(w *want, set vridSet) {
	if w.port == nil || w.filterSpec.watched == set {
		return
	}
	w.filterSpec.watched = set
	w.port.filterSpec = w.filterSpec
	if rawsock.Attach(w.port.fd, w.filterSpec.program(false)) != nil {
		// The filter that is attached stays, and is as good for our own addresses.
		w.filterSpec.watched = vridSet{}
	}
}

// reportFiltered reports that the firewall drops the adverts of a virtual router, unless
// the kernel would drop them without one.
func (r *Receiver) reportFiltered(w *want, v *delivery, now time.Time) {
	var from []string
	for _, u := range v.sources {
		if r.routable(w, u.source, u.dest, v.dropped) {
			from = append(from, u.source.String())
		}
	}
	if len(from) == 0 {
		return
	}
	v.dropped = true
	slices.Sort(from)
	tables := "iptables"
	if w.family == event.IPv6 {
		tables = "ip6tables"
	}
	r.cfg.Warnings.Report(event.Warning{
		Stamp: event.Stamp{Cause: r.cfg.Minter.Cause(now), At: now}, Instance: v.instance, Reason: event.WarnInputFiltered,
		Text: fmt.Sprintf("the firewall of this machine drops adverts from %s on %s: this router does not hear them and may be Active at the same time: "+
			"allow protocol 112 in the input chain (nftables or %s), ahead of rules with fib or rpfilter too",
			strings.Join(from, ", "), w.socketKey.link, tables),
	})
}

// routable reports whether the kernel delivers what comes from source where no firewall
// drops it. It is asked over IPv4, and not again for what is reported.
func (r *Receiver) routable(w *want, source, dest netip.Addr, reported bool) bool {
	if w.family == event.IPv6 || reported {
		return true
	}
	delivers, err := r.delivers(w.link.Index, source, dest)
	return err != nil || delivers
}

// clearFiltered reports that the firewall does not drop the adverts of a virtual router
// any more.
func (r *Receiver) clearFiltered(w *want, v *delivery, now time.Time) {
	r.cfg.Warnings.Clear(event.WarningKey{Instance: v.instance, Reason: event.WarnInputFiltered},
		event.Stamp{Cause: r.cfg.Minter.Cause(now), At: now})
}
