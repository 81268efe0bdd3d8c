package addr

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"ripcord/pkg/event"
)

// Refusal is an address to which nothing but neighbor discovery may come.
type Refusal struct {
	Addr      netip.Addr
	Interface string // for a link-local address, which others may have elsewhere
}

// Firewall drops what comes for some addresses. But for Listen only the worker's
// goroutine calls it.
type Firewall interface {
	// Drop drops what comes for these addresses, and nothing else, from now on;
	// with none it removes all that it ever made, by an earlier run too.
	Drop(all []Refusal) error
	// Listen calls gone when somebody may have removed what Drop made, from any
	// goroutine, until ctx ends.
	Listen(ctx context.Context, gone func())
}

// refusals are the addresses that accept nothing, of all instances that are held
// or not yet gone.
func (l *ledger) refusals() (all []Refusal) {
	of := func(set *Set) {
		if set == nil || !set.Refuse { // nil: left by a crashed run, and configured no more
			return
		}
		for _, a := range set.Addresses {
			r := Refusal{Addr: a.Prefix.Addr()}
			if r.Addr.Is6() && r.Addr.IsLinkLocalUnicast() {
				r.Interface = l.links[a.Interface].Name
			}
			all = append(all, r)
		}
	}
	for _, h := range l.held {
		of(h.set)
	}
	for _, g := range l.leaving {
		of(l.sets[g.instance])
	}
	return distinct(all)
}

func distinct(all []Refusal) []Refusal {
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Interface, b.Interface))
	})
	return slices.Compact(all)
}

// NoFirewall is for a machine without one, on which no instance needs it.
type NoFirewall struct{}

// Drop does nothing.
func (NoFirewall) Drop([]Refusal) error { return nil }

// Listen waits for the end.
func (NoFirewall) Listen(ctx context.Context, _ func()) { <-ctx.Done() }

// shutNothing removes what an earlier run left. It fails where the firewall does
// not obey though instances need it: an address that answers though it should
// not is not to be found out later.
func (w *Worker) shutNothing() error {
	err := w.cfg.Firewall.Drop(nil)
	if err != nil && slices.ContainsFunc(w.cfg.Sets, func(s Set) bool { return s.Refuse }) {
		return fmt.Errorf("accept: false needs nftables: %w", err)
	}
	return nil
}

// shutMore sees that the firewall drops what it has to, before the addresses are
// added; shutLess that it drops nothing else, after others were removed.
func (w *Worker) shutMore() {
	want := w.ledger.refusals()
	missing := slices.ContainsFunc(want, func(r Refusal) bool { return !slices.Contains(w.shut, r) })
	if missing {
		w.drop(distinct(slices.Concat(w.shut, want)))
	} else {
		w.shutErr = nil
	}
}

func (w *Worker) shutLess() {
	if want := w.ledger.refusals(); len(want) < len(w.shut) {
		w.drop(want)
	}
}

func (w *Worker) drop(all []Refusal) {
	if w.shutErr = w.cfg.Firewall.Drop(all); w.shutErr == nil {
		w.shut, w.shutTold = all, false
		return
	}
	now := w.cfg.Now()
	w.reshut = now.Add(retryEvery)
	if w.shutTold {
		return
	}
	w.shutTold = true
	for _, name := range w.ledger.order {
		h := w.ledger.held[name]
		if h.set.Refuse && w.ledger.complete(name) {
			w.cfg.Events.Publish(event.AddressMoved{
				Stamp: event.Stamp{Cause: h.cause, At: now}, Kind: event.AddressFailed, Instance: name,
				Err: fmt.Sprintf("they answer though accept is false, tried again every %v: %v", retryEvery, w.shutErr),
			})
		}
	}
}

// shutFirst leaves out of ops what may not be added while the firewall does not
// drop what comes for it: better no address than one that answers.
func (w *Worker) shutFirst(ops []Op) []Op {
	if w.shutErr == nil {
		return ops
	}
	var open []Op
	ops = slices.DeleteFunc(ops, func(op Op) bool {
		refuse := slices.ContainsFunc(w.ledger.refusals(), func(r Refusal) bool {
			return r.Addr == op.Prefix.Addr() && !slices.Contains(w.shut, r)
		})
		if refuse {
			open = append(open, op)
		}
		return refuse
	})
	w.tell(w.ledger.fail(w.cfg.Now(), open, fmt.Errorf("accept is false, and the firewall could not be made to drop what comes for it: %w", w.shutErr)))
	return ops
}
