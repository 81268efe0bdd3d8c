package addr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// Refusal is an address to which nothing but neighbor discovery may come.
type Refusal struct {
	Addr      netip.Addr
	Interface string // for a link-local address, which others may have elsewhere
}

// Firewall drops what comes for some addresses. But for Listen only the worker's
// goroutine calls it.
// ErrNoFirewall is matched by the error of a Firewall that the kernel does not have.
var ErrNoFirewall = errors.New("this kernel has no nf_tables")

type Firewall interface {
	// Drop drops what comes for these addresses, and nothing else, from now on;
	// with none it removes all that it ever made, by an earlier run too. It fails
	// with ErrNoFirewall where the kernel has none, so that there is nothing.
	Drop(all []Refusal) error
	// Stands reports whether what the last Drop made is as it was.
	Stands() (bool, error)
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
				r.Interface = l.links[a.Interface].Own()
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

// Stands reports that nothing has changed.
func (NoFirewall) Stands() (bool, error) { return true, nil }

// Listen waits for the end.
func (NoFirewall) Listen(ctx context.Context, _ func()) { <-ctx.Done() }

// someRefuse reports whether some instance accepts nothing.
func someRefuse(sets []Set) bool {
	return slices.ContainsFunc(sets, func(s Set) bool { return s.Refuse })
}

// shutNothing removes what an earlier run left. It fails where the firewall does
// not obey though instances need it: an address that answers though it should
// not is not to be found out later.
func (w *Worker) shutNothing() error {
	switch err := w.cfg.Firewall.Drop(nil); {
	case err == nil:
	case someRefuse(w.cfg.Sets):
		return fmt.Errorf("accept: false needs nftables: %w", err)
	case !errors.Is(err, ErrNoFirewall):
		for i := range w.cfg.Sets {
			w.warnFirewall(&w.cfg.Sets[i], w.leftoverCause(), fmt.Sprintf("if an earlier run had accept: false, its nftables table still drops what comes for the addresses: look with nft list table inet ripcord, and delete it: %v", err))
		}
	}
	return nil
}

// firewallAudit is how often the firewall is asked whether it still drops what it has to.
const firewallAudit = 10 * time.Second

// checkShut finds out, every firewallAudit and when somebody may have changed it,
// whether the firewall still drops what it has to; if not it is to be told again.
func (w *Worker) checkShut() {
	now := w.cfg.Now()
	if len(w.shut) == 0 || now.Before(w.shutAudit) {
		return
	}
	w.shutAudit = now.Add(firewallAudit)
	stands, err := w.cfg.Firewall.Stands()
	if stands && err == nil {
		return
	}
	w.shutLost = "they answered though accept is false, since another program changed or deleted the nftables table inet ripcord; it was put back: have that program leave the table alone"
	if err != nil {
		w.shutLost = fmt.Sprintf("they may have answered though accept is false: the nftables table inet ripcord could not be read, and was made anew: %v", err)
	}
	w.shut = nil
}

// shutMore sees that the firewall drops what it has to, before the addresses are
// added; shutLess that it drops nothing else, after others were removed.
func (w *Worker) shutMore() {
	w.checkShut()
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
	now := w.cfg.Now()
	if w.shutErr = w.cfg.Firewall.Drop(all); w.shutErr == nil {
		if w.shutLost != "" {
			w.warnRefusing(w.shutLost)
		}
		w.shut, w.shutLost, w.shutAudit = all, "", now.Add(firewallAudit)
		for _, s := range w.cfg.Sets {
			w.cfg.Warnings.Clear(event.WarningKey{Instance: s.Instance, Reason: event.WarnFirewall}, event.Stamp{At: now})
		}
		return
	}
	w.reshut = now.Add(retryEvery)
	w.warnRefusing(fmt.Sprintf("they answer though accept is false, tried again every %v: %v", retryEvery, w.shutErr))
}

// warnRefusing warns for each instance whose addresses are in place and should
// accept nothing.
func (w *Worker) warnRefusing(text string) {
	for _, name := range w.ledger.order {
		if h := w.ledger.held[name]; h.set.Refuse && w.ledger.complete(name) {
			w.warnFirewall(h.set, h.cause, text)
		}
	}
}

func (w *Worker) warnFirewall(set *Set, cause event.Cause, text string) {
	stamp := event.Stamp{Cause: cause, At: w.cfg.Now()}
	failed := event.AddressMoved{Stamp: stamp, Kind: event.AddressFailed, Instance: set.Instance, Err: text}
	for _, a := range set.Addresses {
		failed.Addresses = append(failed.Addresses, a.Prefix)
	}
	w.cfg.Warnings.ReportAs(event.Warning{Stamp: stamp, Instance: set.Instance, Reason: event.WarnFirewall, Text: text}, failed)
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
