package receive

import (
	"context"
	"maps"
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
		r.succeed(w)
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

// keep keeps an open socket for the same one of the new set, and only changes its filter. A raw
// socket whose multicast groups change is opened again.
func (r *Receiver) keep(was, now *socket) {
	before := was.families
	was.instances, was.families = now.instances, now.families
	r.wanted[was.socketKey] = was
	if was.port == nil {
		return
	}
	was.port.families = now.families
	if !was.packet() && !slices.Equal(before[was.family].groups, now.families[was.family].groups) || was.refilter() != nil {
		r.open(was)
	}
}

// succeed keeps what is known of the adverts of an earlier raw socket, for the instances that stay
// on its link.
func (r *Receiver) succeed(was *socket) {
	if was.packet() {
		return // it has the adverts of the raw sockets
	}
	last, next := was.families[was.family], (*deliveries)(nil)
	if raw := r.wanted[was.socketKey]; raw != nil {
		now := raw.families[was.family]
		now.reach, now.watched, next = last.reach, last.watched, now.deliveries
	}
	for _, v := range last.deliveries.succeed(next) {
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
		packet := r.wanted.packetOf(key.Subject)
		return packet != nil && slices.Contains(packet.instances, key.Instance)
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
	wanted, byLink := make(sockets), make(map[string]families)
	for _, in := range instances {
		all := byLink[in.Interface]
		if all == nil {
			all = make(families)
			byLink[in.Interface] = all
		}
		if all[in.Family] == nil {
			all[in.Family] = &adverts{deliveries: newDeliveries()}
		}
		all[in.Family].add(in)
		for _, at := range socketKeysOf(in.Interface) {
			if !at.packet() && at.family != in.Family {
				continue
			}
			if wanted[at] == nil {
				wanted[at] = &socket{socketKey: at, families: all}
			}
			// Over IPv6 the raw socket receives the adverts of all other routers.
			if !at.packet() || in.Family == event.IPv4 {
				wanted[at].instances = append(wanted[at].instances, in.Name)
			}
		}
	}
	return wanted
}
