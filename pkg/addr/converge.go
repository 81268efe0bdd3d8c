package addr

import (
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
)

// converge makes the kernel agree with the ledger: it turns devices, asks if it
// must, removes in one batch, adds in one batch, and tells what came of it.
// Routes and rules lean on addresses: they are added after them and removed
// before.
func (w *Worker) converge() {
	for _, part := range [...]func(){
		w.arrangeMacvlans, w.removeUnlisted, w.refresh, w.ledger.claim, w.markAgain, w.settle, w.routes.Remove,
		w.acceptance.beforeAdding, w.remove, w.add, w.settle, w.acceptance.afterRemoving, w.routes.Add, w.macvlans.Tune, w.reportPlaced,
	} {
		part()
		w.steps.Add(1)
	}
}

// arrangeMacvlans makes the macvlans agree with what is held, and moves the addresses
// that stand on them.
func (w *Worker) arrangeMacvlans() {
	out := w.macvlans.Apply()
	w.dirty = w.dirty || out.Lost
	for _, m := range out.Moved {
		w.dirty = w.ledger.attach(onDevice(w.ledger.sets[m.Instance]), m.Link) || w.dirty
	}
	for _, c := range out.Conflicts {
		w.cfg.Results.Publish(vrrp.Condition{
			Cause: c.Cause, Instance: c.Instance, Reason: event.MACConflict, Err: c.Err, On: c.Err != "",
		})
	}
}

// inUse reports whether a link may have an address that is not ours to hold.
func (w *Worker) inUse(index int) bool {
	all, err := w.cfg.Kernel.List()
	return err != nil || slices.ContainsFunc(all, func(s Standing) bool {
		a := s.Prefix.Addr()
		return s.Index == index && !a.IsLinkLocalUnicast() && !w.ledger.managed[a]
	})
}

// removeUnlisted removes what is to go without waiting for another list, which may not
// come.
func (w *Worker) removeUnlisted() {
	if w.unlisted {
		w.routes.Remove()
		w.remove()
	}
}

func (w *Worker) settle() { w.tell(w.ledger.settle(w.cfg.Now())) }

// refresh asks the kernel what stands, if the ledger may be wrong.
func (w *Worker) refresh() {
	now := w.cfg.Now()
	if w.dirty && !now.Before(w.relist) {
		w.list()
	}
	for _, index := range w.ledger.doubtful(now) {
		w.ledger.up(now, index, w.cfg.Kernel.Up(index))
	}
}

func (w *Worker) list() {
	all, err := w.cfg.Kernel.List()
	w.dirty, w.unlisted = err != nil, err != nil
	if w.dirty {
		w.relist = w.cfg.Now().Add(retryEvery)
		return
	}
	w.ledger.observe(all)
}

func (w *Worker) remove() {
	now := w.cfg.Now()
	ops := w.ledger.removes(now, w.leftoverCause())
	if len(ops) == 0 {
		return
	}
	w.promote(ops, "giving them up may take other addresses of their subnet with them")
	err := w.cfg.Kernel.RemoveBatch(ops)
	if err == nil {
		w.ledger.removed(ops)
		return
	}
	w.list()
	now = w.cfg.Now()
	w.tell(w.ledger.settle(now)) // what did go is not to be told as failed
	w.tell(w.ledger.unremoved(now, err))
}

// leftoverCause is the cause of removing what nobody ordered to remove.
func (w *Worker) leftoverCause() event.Cause { return w.cfg.Minter.Cause(w.cfg.Now()) }

func (w *Worker) add() {
	now := w.cfg.Now()
	ops, withheld := w.acceptance.withhold(w.ledger.adds(now))
	if len(withheld) > 0 {
		w.tell(w.ledger.fail(w.cfg.Now(), withheld, w.acceptance.reason()))
	}
	if len(ops) == 0 {
		return
	}
	w.promote(ops, "added, but giving it up may take other addresses of its subnet with it")
	err := w.cfg.Kernel.AddBatch(ops)
	if err == nil {
		w.ledger.added(ops)
		return
	}
	w.ledger.attempted(ops)
	w.list()
	w.tell(w.ledger.fail(w.cfg.Now(), ops, err))
}

// promote sees that the kernel does not remove other addresses of a subnet with ours,
// before each change: other programs set the sysctl too, as sysctl --system does.
func (w *Worker) promote(ops []Op, otherwise string) {
	for index, op := range ipv4Links(ops) {
		err := w.cfg.Kernel.PromoteSecondaries(index, op.Interface)
		if err != nil && !w.unpromoted[index] {
			w.failed(event.AddressKey{Index: index, Prefix: op.Prefix}, fmt.Sprintf("%s: %v", otherwise, err))
		}
		w.unpromoted[index] = err != nil
	}
}

// failed tells of an address something that is not in the way of holding it.
func (w *Worker) failed(a event.AddressKey, why string) {
	for _, name := range w.ledger.order {
		h := w.ledger.held[name]
		for _, e := range h.entries {
			if w.ledger.key(e.Address) == a {
				var n news
				n.tell(event.AddressMoved{
					Stamp: event.Stamp{Cause: h.causeOf(e), At: w.cfg.Now()}, Kind: event.AddressFailed, Instance: name, Err: why,
				}, e)
				w.tell(n)
				return
			}
		}
	}
	for _, g := range w.ledger.leaving {
		if slices.Contains(g.keys, a) {
			w.cfg.Events.Publish(event.AddressMoved{
				Stamp: event.Stamp{Cause: g.cause, At: w.cfg.Now()}, Kind: event.AddressFailed, Instance: g.instance,
				Addresses: []netip.Prefix{a.Prefix}, Err: why,
			})
			return
		}
	}
}

// tell publishes news and announces what has come to stand.
func (w *Worker) tell(n news) {
	for _, e := range n.moved {
		w.cfg.Events.Publish(e)
	}
	now := w.cfg.Now()
	for _, name := range n.announce {
		delete(w.mute, name)
		set := w.ledger.sets[name]
		w.schedule.start(now, name, len(set.Addresses), set.Announce)
	}
	for _, name := range n.again {
		w.schedule.reannounce(now, name)
	}
}

// announce sends the announcements that are due, as many as go by one system call:
// each address is at the present MAC of its link.
func (w *Worker) announce() {
	now := w.cfg.Now()
	w.batch.Reset()
	w.announced = w.announced[:0]
	for range neigh.MaxFrames {
		instance, n, ok := w.schedule.next(now)
		if !ok {
			break
		}
		if w.ledger.stands(instance, n) {
			a := w.ledger.sets[instance].Addresses[n]
			if w.batch.Announce(w.ledger.links[a.Interface], a.Prefix.Addr()) {
				w.announced = append(w.announced, announced{instance, a})
			}
		}
	}
	frames := w.batch.Frames()
	if len(frames) == 0 {
		return
	}
	w.cfg.Sender.Send(frames)
	for i := range frames {
		if err := frames[i].Err; err != nil {
			w.unannounced(w.announced[i], err)
		}
	}
}

// announced is an address of an instance that a frame announces.
type announced struct {
	instance string
	address  Address
}

// unannounced tells, once for each time an instance is held, that its neighbours
// may not know. Of a link that is down that was to be expected.
func (w *Worker) unannounced(what announced, err error) {
	if !w.ledger.links[what.address.Interface].Usable || w.mute[what.instance] {
		return
	}
	w.mute[what.instance] = true
	w.failed(w.ledger.key(what.address), fmt.Sprintf("held, but it could not be announced: %v", err))
}
