package receive

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// reconfiguration is a new set of instances that waits for the receiver.
type reconfiguration struct {
	instances []*vrrp.Instance
	done      chan struct{} // closed when it is in force
}

// Reconfigure makes the receiver receive for the given instances from now on, and returns when it
// does, or when ctx ends. Sockets that are still needed stay open, and no advert on them is lost;
// the state of the senders is kept (replay windows, floods, mismatches).
func (r *Receiver) Reconfigure(ctx context.Context, instances []*vrrp.Instance) error {
	next := &reconfiguration{instances, make(chan struct{})}
	r.mu.Lock()
	if last := r.next; last != nil {
		close(last.done) // it is outdated
	}
	r.next = next
	if r.alarm != nil {
		r.alarm.Ring()
	}
	r.mu.Unlock()
	select {
	case <-next.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reconfigure applies a new set of instances, if there is one.
func (r *Receiver) reconfigure() {
	r.mu.Lock()
	next := r.next
	r.next = nil
	r.mu.Unlock()
	if next == nil {
		return
	}
	r.summary.stopAll()
	r.publishHeard()
	r.summary.allowed.Keep(r.cfg.Instances, next.instances)
	r.cfg.Instances = next.instances
	r.acceptor = r.acceptor.Succeed(next.instances, r.cfg.Stats)
	r.peers, r.fragments = newPeers(next.instances, r.cfg.Warnings), fragments{next.instances, r.cfg.Warnings}
	before := r.wanted
	r.wanted = wants(next.instances)
	for at, w := range before {
		if r.wanted[at] == nil {
			r.close(w)
		}
		r.succeedDeliveries(w)
	}
	for at, w := range r.wanted {
		if was := before[at]; was != nil {
			r.keep(was, w)
		}
	}
	maps.DeleteFunc(r.reports.deaf, func(name string, _ string) bool { return !named(next.instances, name) })
	r.endOutdated()
	for _, l := range r.cfg.Links.Snapshot() {
		r.follow(l)
		stamp := event.Stamp{Cause: l.Cause, At: r.cfg.Now()}
		r.peers.follow(l, stamp)
		r.fragments.follow(l, stamp)
	}
	for _, w := range r.wanted {
		r.summary.assign(w, r.cfg.Instances)
		r.reports.judge(w, r.wanted)
	}
	close(next.done)
}

// keep keeps an open socket for the same one of the new set, and only changes its filter. A
// socket whose multicast groups change is opened again.
func (r *Receiver) keep(was, now *socket) {
	spec := now.filterSpec
	spec.owned, spec.watched, spec.delivered = was.filterSpec.owned, was.filterSpec.watched, was.filterSpec.delivered
	changed, regrouped := !reflect.DeepEqual(spec, was.filterSpec), !slices.Equal(spec.groups, was.filterSpec.groups)
	was.instances, was.filterSpec, was.deliveries = now.instances, spec, now.deliveries
	r.wanted[was.socketKey] = was
	if !changed || was.port == nil {
		return
	}
	was.port.filterSpec = spec
	if regrouped || was.port.filter() != nil {
		r.open(was)
	}
}

// succeedDeliveries keeps what is known of the deliveries of an earlier socket, for the instances
// that stay on its link.
func (r *Receiver) succeedDeliveries(was *socket) {
	var next *deliveries
	if raw := r.wanted.rawOf(was); raw != nil {
		next = raw.deliveries
	}
	for _, v := range was.deliveries.succeed(next) {
		r.reports.notFiltered(v, r.cfg.Now())
	}
}

// endOutdated ends the warnings about peers and links that instances no longer have. The parts that
// reported them look only at present peers and links.
func (r *Receiver) endOutdated() {
	now := r.cfg.Now()
	stamp := event.Stamp{Cause: r.cfg.Minter.Cause(now), At: now}
	r.cfg.Warnings.Retain(event.WarnOwnPeer, stamp, r.peers.has)
	r.cfg.Warnings.Retain(event.WarnFragments, stamp, r.fragments.has)
	r.cfg.Warnings.Retain(event.WarnReversePath, stamp, func(key event.WarningKey) bool {
		early := r.wanted[socketKey{link: key.Subject, family: event.IPv4, early: true}]
		return early != nil && slices.Contains(early.instances, key.Instance)
	})
}

func named(instances []*vrrp.Instance, name string) bool {
	for _, in := range instances {
		if in.Name == name {
			return true
		}
	}
	return false
}

// wants returns the sockets that the instances need; none is open.
func wants(instances []*vrrp.Instance) sockets {
	wanted, byLink := make(sockets), make(map[socketKey]*deliveries)
	shared := func(at socketKey) *deliveries {
		at = socketKey{link: at.link, family: at.family}
		if byLink[at] == nil {
			byLink[at] = newDeliveries()
		}
		return byLink[at]
	}
	for _, in := range instances {
		shared(socketKey{link: in.Interface, family: in.Family}).add(in.VRID, in.Name, in.Interval)
		for _, at := range socketKeysOf(in.Interface) {
			if at.family != in.Family || at.early && in.Priority == vrrp.Owner {
				continue // no other router sends from the owner's addresses
			}
			if wanted[at] == nil {
				wanted[at] = &socket{socketKey: at, filterSpec: filterSpec{early: at.early, own: at.own}, deliveries: shared(at)}
			}
			if !at.own { // only the other sockets can make an instance deaf
				wanted[at].instances = append(wanted[at].instances, in.Name)
			}
			wanted[at].filterSpec.add(in)
		}
	}
	return wanted
}
