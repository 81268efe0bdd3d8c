package addr

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// addresses makes the kernel's addresses agree with the ledger.
type addresses struct {
	cfg        *Config
	ledger     *ledger
	acceptance acceptance
	placer     *placer
	report     func(news)
	announce   func([]announced) // announces what has come to stand, once
	dirty      bool              // the kernel must be asked before anything else
	unlisted   bool              // it did not answer when it was last asked
	relist     time.Time         // not to be asked before
	unpromoted map[int]bool      // links of which it was reported that PromoteSecondaries failed
}

func newAddresses(cfg *Config, l *ledger, a acceptance, report func(news), announce func([]announced)) *addresses {
	return &addresses{
		cfg: cfg, ledger: l, acceptance: a, placer: &placer{cfg: cfg}, report: report, announce: announce, unpromoted: make(map[int]bool),
	}
}

// doubt has the kernel asked if yes.
func (a *addresses) doubt(yes bool) { a.dirty = a.dirty || yes }

// deadline returns when something is to be done if nothing happens.
func (a *addresses) deadline() (due time.Time, ok bool) { return a.ledger.deadline() }

// settle reports how the addresses stand now, where that is news.
func (a *addresses) settle() { a.report(a.ledger.settle(a.cfg.Now())) }

// refresh asks the kernel what stands, if the ledger may be wrong.
func (a *addresses) refresh() {
	now := a.cfg.Now()
	if a.dirty && !now.Before(a.relist) {
		a.list()
	}
	for _, index := range a.ledger.doubtful(now) {
		a.ledger.up(now, index, a.cfg.Kernel.Up(index))
	}
}

func (a *addresses) list() {
	all, err := a.cfg.Kernel.List()
	if err != nil {
		a.dirty, a.unlisted, a.relist = true, true, a.cfg.Now().Add(retryEvery)
		return
	}
	a.observe(all)
}

// observe takes what the kernel lists.
func (a *addresses) observe(all []Standing) {
	a.dirty, a.unlisted = false, false
	a.ledger.observe(all)
}

// remove removes in one batch what bears the mark and is not held.
func (a *addresses) remove() {
	now := a.cfg.Now()
	ops := a.ledger.removes(now, a.cfg.Minter.Cause(now))
	if len(ops) == 0 {
		return
	}
	a.promote(ops, "giving them up may take other addresses of their subnet with them")
	err := a.cfg.Kernel.RemoveBatch(ops)
	if err == nil {
		a.ledger.removed(ops)
		return
	}
	a.list()
	now = a.cfg.Now()
	a.report(a.ledger.settle(now)) // what did go is not reported as failed
	a.report(a.ledger.unremoved(now, err))
}

// add adds what is held and stands absent. What stands is announced while the next is added.
func (a *addresses) add() {
	ops, withheld := a.acceptance.withhold(a.ledger.adds(a.cfg.Now()))
	if len(withheld) > 0 {
		a.report(a.ledger.fail(a.cfg.Now(), withheld, a.acceptance.reason()))
	}
	if len(ops) == 0 {
		return
	}
	var errs []error
	for p := range a.placer.add(ops) {
		if p.err != nil {
			a.ledger.attempted(p.ops)
			errs = append(errs, p.err)
			continue
		}
		a.ledger.added(p.ops)
		a.announce(a.ledger.begin(p.ops[:min(len(p.ops), partSize)]))
	}
	a.promote(ops, "added, but giving it up may take other addresses of its subnet with it")
	if len(errs) > 0 {
		a.list()
		a.report(a.ledger.fail(a.cfg.Now(), ops, joined(errs)))
	}
}

// promote sees that the kernel does not remove other addresses of a subnet with ours, at
// each change: other programs set the sysctl too, as sysctl --system does.
func (a *addresses) promote(ops []Op, otherwise string) {
	for index, op := range ipv4Links(ops) {
		err := a.cfg.Kernel.PromoteSecondaries(index, op.Interface)
		if err != nil && !a.unpromoted[index] {
			a.fail(event.AddressKey{Index: index, Prefix: op.Prefix}, fmt.Sprintf("%s: %v", otherwise, err))
		}
		a.unpromoted[index] = err != nil
	}
}

const (
	// remarkAfter is how long after a mark the next is given: a program that re-applies
	// addresses in a loop must not cost a core.
	remarkAfter = 20 * time.Millisecond
	// remarkEvery is how often what could not be marked again is tried.
	remarkEvery = time.Minute
)

// markAgain gives what is held the mark back that another program took from it, so that
// a crash of ours, too, leaves nothing that nobody removes.
func (a *addresses) markAgain() {
	now := a.cfg.Now()
	ops := a.ledger.unmarkedOps(now)
	if len(ops) == 0 {
		return
	}
	a.ledger.remark = now.Add(remarkAfter)
	if err := a.cfg.Kernel.Mark(ops); err != nil {
		a.ledger.remark = now.Add(remarkEvery)
		a.fail(ops[0].key(),
			fmt.Sprintf("somebody re-applied it, and it could not be marked as ripcord's own again, tried again every %v: %v", remarkEvery, err))
		a.dirty = true
		return
	}
	a.report(a.ledger.marked(now, ops))
}

// fail reports of an address, held or leaving, what does not keep it from being held.
func (a *addresses) fail(key event.AddressKey, why string) {
	for _, name := range a.ledger.order {
		h := a.ledger.held[name]
		for _, e := range h.entries {
			if a.ledger.key(e.Address) == key {
				var n news
				n.add(event.AddressMoved{
					Stamp: event.Stamp{Cause: h.causeOf(e), At: a.cfg.Now()}, Kind: event.AddressFailed, Instance: name, Err: why,
				}, e)
				a.report(n)
				return
			}
		}
	}
	for _, g := range a.ledger.leaving {
		if slices.Contains(g.keys, key) {
			a.report(news{moved: []event.AddressMoved{{
				Stamp: event.Stamp{Cause: g.cause, At: a.cfg.Now()}, Kind: event.AddressFailed, Instance: g.instance,
				Addresses: []netip.Prefix{key.Prefix}, Err: why,
			}}})
			return
		}
	}
}

// inUse reports whether a link may have an address that is not ours to hold.
func (a *addresses) inUse(index int) bool {
	all, err := a.cfg.Kernel.List()
	return err != nil || slices.ContainsFunc(all, func(s Standing) bool {
		ip := s.Prefix.Addr()
		return s.Index == index && !ip.IsLinkLocalUnicast() && !a.ledger.managed[ip]
	})
}

// left lists what could not be removed, and what may be there since the kernel could
// not be asked.
func (a *addresses) left() (left []string) {
	for _, g := range a.ledger.leaving {
		for _, key := range g.keys {
			left = append(left, key.Prefix.String())
		}
	}
	if a.dirty && len(left) == 0 {
		left = append(left, "addresses that may be left, since the kernel does not list them")
	}
	return left
}
