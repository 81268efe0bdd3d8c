package addr

import (
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
			if l.presence(e) == ours {
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
