package addr

import (
	"fmt"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// converge makes the kernel agree with what is held, concern by concern, in this order. Devices are
// first: a released instance stops sending with its virtual MAC. Routes need addresses, so they are
// removed before these and added after them. The firewall drops what must not be accepted from
// before an address is added until after it is removed.
func (w *Worker) converge() {
	for _, part := range [...]func(){
		w.arrangeMacvlans, w.removeUnlisted, w.addresses.refresh, w.ledger.claim, w.addresses.markAgain, w.addresses.settle,
		w.routes.Remove, w.acceptance.beforeAdding, w.addresses.remove, w.addresses.add, w.addresses.settle, w.acceptance.afterRemoving,
		w.routes.Add, w.macvlans.Tune, w.placements.report,
	} {
		part()
		w.steps.Add(1)
	}
}

// arrangeMacvlans makes the macvlans agree with what is held, and moves the addresses that are on
// them.
func (w *Worker) arrangeMacvlans() {
	out := w.macvlans.Apply()
	w.addresses.doubt(out.Lost)
	for _, m := range out.Moved {
		w.addresses.doubt(w.ledger.attach(onDevice(w.ledger.sets[m.Instance]), m.Link))
	}
	for _, c := range out.Conflicts {
		w.cfg.Results.Publish(vrrp.Condition{
			Cause: c.Cause, Instance: c.Instance, Reason: event.MACConflict, Err: c.Err, On: c.Err != "",
		})
	}
}

// removeUnlisted removes what has to go without waiting for another list, which may not come.
func (w *Worker) removeUnlisted() {
	if w.addresses.unlisted {
		w.routes.Remove()
		w.addresses.remove()
	}
}

// publish publishes news, and starts the announcement of newly added addresses.
func (w *Worker) publish(n news) {
	for _, e := range n.moved {
		w.cfg.Events.Publish(e)
	}
	now := w.cfg.Now()
	for _, name := range n.announce {
		w.announcer.begin(now, name)
	}
	for name, entries := range n.later {
		w.announcer.beginLater(now, name, entries)
	}
	for _, name := range n.again {
		w.announcer.reannounce(now, name)
	}
}

// announce sends the announcements that are due.
func (w *Worker) announce() {
	for _, u := range w.announcer.apply(w.cfg.Now()) {
		w.addresses.fail(w.ledger.key(*u.Address), fmt.Sprintf("held, but it could not be announced: %v", u.err))
	}
}
