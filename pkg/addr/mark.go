package addr

import (
	"maps"
	"time"

	"ripcord/pkg/event"
)

// forget ends the claim to addresses that are gone and not held: a program that adds one of them
// again owns it.
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

// claim records that held addresses with the mark, or added by us, are ours until they are removed.
func (l *ledger) claim() {
	for _, h := range l.held {
		for _, e := range h.entries {
			if l.presence(e) == ours {
				l.mine[l.key(e.Address)] = true
			}
		}
	}
}

// unmarkedOps lists the held addresses that have lost their mark.
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

// marked records that ops bear the mark again.
func (l *ledger) marked(now time.Time, ops []Op) (n news) {
	for _, op := range ops {
		key := op.key()
		delete(l.stripped, key)
		for _, name := range l.order {
			h := l.held[name]
			for _, e := range h.entries {
				if l.key(e.Address) != key {
					continue
				}
				count, report := e.remarked.take(now)
				if report {
					n.add(event.AddressMoved{
						Stamp: event.Stamp{Cause: h.causeOf(e), At: now}, Kind: event.AddressMarked, Instance: name, Count: count,
					}, e)
				}
			}
		}
	}
	return n
}
