package addr

import (
	"fmt"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// slice is how many frames are sent before the queue is looked at again.
const slice = 32

// converge makes the kernel agree with the ledger: it turns devices, asks if it
// must, removes in one batch, adds in one batch, and tells what came of it.
// Routes and rules lean on addresses: they are added after them and removed
// before.
func (w *Worker) converge() {
	w.arrange()
	w.refresh()
	w.tell(w.ledger.settle(w.cfg.Now()))
	w.removeWays()
	w.shutMore()
	w.remove()
	w.add()
	w.tell(w.ledger.settle(w.cfg.Now()))
	w.shutLess()
	w.addWays()
	w.tuneAgain()
}

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
	if w.dirty = err != nil; w.dirty {
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
	ops := w.shutFirst(w.ledger.adds(now))
	if len(ops) == 0 {
		return
	}
	w.promote(ops)
	err := w.cfg.Kernel.AddBatch(ops)
	if err == nil {
		w.ledger.added(ops)
		return
	}
	w.list()
	w.tell(w.ledger.fail(w.cfg.Now(), ops, err))
}

// promote is called once for each link that is to bear an IPv4 address.
func (w *Worker) promote(ops []Op) {
	for _, op := range ops {
		if w.promoted[op.Index] || !op.Prefix.Addr().Is4() {
			continue
		}
		w.promoted[op.Index] = true
		if err := w.cfg.Kernel.PromoteSecondaries(op.Interface); err != nil {
			w.failed(event.AddressKey{Index: op.Index, Prefix: op.Prefix}, fmt.Sprintf("added, but giving it up may take other addresses of its subnet with it: %v", err))
		}
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
}

// tell publishes news and announces what has come to stand.
func (w *Worker) tell(n news) {
	for _, e := range n.moved {
		w.cfg.Events.Publish(e)
	}
	for _, r := range n.lost {
		w.cfg.Results.Publish(r)
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

// announce sends one slice of what is due.
func (w *Worker) announce() {
	now := w.cfg.Now()
	for range slice {
		instance, n, ok := w.schedule.next(now)
		if !ok {
			return
		}
		if !w.ledger.stands(instance, n) {
			continue
		}
		w.send(instance, w.ledger.sets[instance].Addresses[n])
	}
}

// send tells the neighbours that an address is at the link's present MAC.
func (w *Worker) send(instance string, a Address) {
	link := w.ledger.links[a.Interface]
	w.frame = w.frame[:0]
	if ip := a.Prefix.Addr(); ip.Is4() {
		w.frame = wire.AppendGARP(w.frame, link.HardwareAddr, ip)
	} else {
		w.frame = wire.AppendNA(w.frame, link.HardwareAddr, ip)
	}
	err := w.cfg.Packets.Send(link.Index, w.frame)
	if err == nil || !link.Usable || w.mute[instance] {
		return
	}
	w.mute[instance] = true // one line for each time it is held
	w.failed(w.ledger.key(a), fmt.Sprintf("held, but it could not be announced: %v", err))
}
