package addr

import (
	"fmt"
	"maps"
	"time"

	"ripcord/pkg/event"
)

// forget ends the claim to what is gone and not held: whoever puts it there again
// has put it there himself.
func (l *ledger) forget() {
	if len(l.mine) == 0 {
		return
	}
	wanted := l.wanted()
	maps.DeleteFunc(l.mine, func(key event.AddressKey, _ bool) bool {
		_, stands := l.standing[key]
		return !stands && !wanted[key]
	})
}

// claim notes that what is held and stands with the mark, or was added by us, is ours
// until it is removed.
func (l *ledger) claim() {
	for _, h := range l.held {
		for _, e := range h.entries {
			if l.place(e) == ours {
				l.mine[l.key(e.Address)] = true
			}
		}
	}
}

// unmarkedOps lists what is held and has lost its mark.
func (l *ledger) unmarkedOps(now time.Time) (ops []Op) {
	if len(l.stripped) == 0 || now.Before(l.remark) {
		return nil
	}
	for _, name := range l.order {
		for _, e := range l.held[name].entries {
			if l.stripped[l.key(e.Address)] {
				ops = append(ops, l.op(e))
			}
		}
	}
	return ops
}

// marked books that ops bear the mark again.
func (l *ledger) marked(now time.Time, ops []Op) (n news) {
	for _, op := range ops {
		key := event.AddressKey{Index: op.Index, Prefix: op.Prefix}
		delete(l.stripped, key)
		for _, name := range l.order {
			h := l.held[name]
			for _, e := range h.entries {
				if l.key(e.Address) != key {
					continue
				}
				count, report := e.remarked.take(now)
				if report {
					n.tell(event.AddressMoved{
						Stamp: event.Stamp{Cause: h.causeOf(e), At: now}, Kind: event.AddressMarked, Instance: name, Count: count,
					}, e)
				}
			}
		}
	}
	return n
}

// markAgain gives what is held the mark back that somebody took from it, so that a
// crash of ours, too, leaves nothing that nobody removes.
func (w *Worker) markAgain() {
	now := w.cfg.Now()
	ops := w.ledger.unmarkedOps(now)
	if len(ops) == 0 {
		return
	}
	w.ledger.remark = now.Add(remarkAfter)
	if err := w.cfg.Kernel.Mark(ops); err != nil {
		w.ledger.remark = now.Add(remarkEvery)
		w.failed(event.AddressKey{Index: ops[0].Index, Prefix: ops[0].Prefix},
			fmt.Sprintf("somebody re-applied it, and it could not be marked as ripcord's own again, tried again every %v: %v", remarkEvery, err))
		w.dirty = true
		return
	}
	w.tell(w.ledger.marked(now, ops))
}

const (
	// remarkAfter is how long after a mark the next is given: a program that re-applies
	// addresses in a loop must not cost a core.
	remarkAfter = 20 * time.Millisecond
	// remarkEvery is how often what could not be marked again is tried.
	remarkEvery = time.Minute
)
