package receive

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// reports publishes what the receiver finds out about its sockets.
type reports struct {
	results  *bus.Topic[vrrp.Result]
	events   *bus.Topic[event.Event]
	warnings *event.Warnings // may be nil
	minter   *event.Minter
	now      func() time.Time
	deaf     map[string]string // by instance: why it is deaf, as last reported
}

func newReports(cfg *Config) *reports {
	return &reports{cfg.Results, cfg.Events, cfg.Warnings, cfg.Minter, cfg.Now, make(map[string]string)}
}

// judge reports for the instances of a socket whether they are deaf, if that has changed.
func (r *reports) judge(w *socket, all sockets) {
	now := r.now()
	for _, name := range w.instances {
		why := all.whyDeaf(w.socketKey.link, name)
		if why == r.deaf[name] {
			continue
		}
		r.deaf[name] = why
		err := why
		if err != "" {
			err = fmt.Sprintf("adverts on %s would not be received: %s; trying again every second", w.socketKey.link, err)
		}
		r.results.Publish(vrrp.Condition{
			Cause: r.minter.Cause(now), Instance: name, Reason: event.Deaf, Err: err, On: err != "",
		})
	}
}

// announceDeaf publishes a Deaf for each instance of a socket.
func (r *reports) announceDeaf(w *socket, d Deaf, now time.Time) {
	for _, name := range w.instances {
		d.Stamp = event.Stamp{Cause: r.minter.Cause(now), At: now}
		d.Instance, d.Interface = name, w.socketKey.link
		r.events.Publish(d)
	}
}

// waitAnew restarts the waits of the instances of a socket: the silence until now proves nothing.
func (r *reports) waitAnew(w *socket, now time.Time) {
	for _, name := range w.instances {
		r.results.Publish(vrrp.Rejoined{Cause: r.minter.Cause(now), Instance: name})
	}
}

// withheld reports whether the kernel withholds adverts, if it has for a while: it may for a
// moment while routes change.
func (r *reports) withheld(w *socket, now time.Time) {
	var from []string
	for _, x := range w.families[event.IPv4].reach.withheld {
		if now.Sub(x.since) >= auditEvery/2 {
			from = append(from, x.source.String())
		}
	}
	text := ""
	if len(from) > 0 {
		slices.Sort(from)
		text = fmt.Sprintf("the reverse path filter of this machine drops packets from %s on %s, because it has no route back over that link "+
			"(rp_filter): adverts are still received through a packet socket, but other traffic is lost: add an address in that subnet to %s, "+
			"or set net.ipv4.conf.all.rp_filter and the setting of %s to 2 or 0", strings.Join(from, ", "), w.socketKey.link, w.socketKey.link, w.socketKey.link)
	}
	for _, name := range w.instances {
		r.warnings.Set(text != "", event.Warning{
			Stamp: event.Stamp{Cause: r.minter.Cause(now), At: now}, Instance: name,
			Reason: event.WarnReversePath, Subject: w.socketKey.link, Text: text,
		})
	}
}

// filtered reports that the firewall drops the adverts of a virtual router, unless the kernel
// would drop them without a firewall as well.
func (r *reports) filtered(w *socket, v *delivery, delivers deliversFunc, now time.Time) {
	var from []string
	var routers []netip.Addr
	for _, u := range v.sources {
		if w.routable(u.source, u.dest, v.dropped, delivers) {
			from, routers = append(from, u.source.String()), append(routers, u.source)
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
	r.warnings.Report(event.Warning{
		Stamp: event.Stamp{Cause: r.minter.Cause(now), At: now}, Instance: v.instance, Reason: event.WarnInputFiltered, Routers: routers,
		Text: fmt.Sprintf("the firewall of this machine drops adverts from %s on %s: this router does not receive them and may be Active at the same time: "+
			"allow protocol 112 in the input chain (nftables or %s), also before rules with fib or rpfilter",
			strings.Join(from, ", "), w.socketKey.link, tables),
	})
}

// notFiltered reports that the firewall no longer drops the adverts of a virtual router.
func (r *reports) notFiltered(v *delivery, now time.Time) {
	r.warnings.Clear(event.WarningKey{Instance: v.instance, Reason: event.WarnInputFiltered},
		event.Stamp{Cause: r.minter.Cause(now), At: now})
}
