package addr

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

// addresses makes the kernel's addresses agree with the ledger.
type addresses struct {
	cfg        *Config
	ledger     *ledger
	acceptance acceptance
	report     func(news)
	announcer  *announcer
	dirty      bool         // the kernel must be asked before anything else
	unlisted   bool         // the kernel did not answer the last list request
	relist     time.Time    // the earliest time of the next list request
	unpromoted map[int]bool // links for which a failed PromoteSecondaries was reported
}

func newAddresses(cfg *Config, l *ledger, a acceptance, n *announcer, report func(news)) *addresses {
	return &addresses{
		cfg: cfg, ledger: l, acceptance: a, announcer: n, report: report, unpromoted: make(map[int]bool),
	}
}

// doubt makes the next turn ask the kernel if yes is true.
func (a *addresses) doubt(yes bool) { a.dirty = a.dirty || yes }

// deadline returns when the next action is due if nothing happens.
func (a *addresses) deadline() (due time.Time, ok bool) { return a.ledger.deadline() }

// settle reports changes in how the addresses stand.
func (a *addresses) settle() { a.report(a.ledger.settle(a.cfg.Now())) }

// refresh asks the kernel for its addresses if the ledger may be wrong.
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
	a.cfg.Questions.Asked(event.AskOwnAddresses, err, a.cfg.Now())
	if err != nil {
		a.dirty, a.unlisted, a.relist = true, true, a.cfg.Now().Add(retryEvery)
		return
	}
	a.observe(all)
}

// observe records the kernel's list.
func (a *addresses) observe(all []Standing) {
	a.dirty, a.unlisted = false, false
	a.ledger.observe(all)
}

// remove removes in one batch the addresses that bear the mark and are not held.
func (a *addresses) remove() {
	now := a.cfg.Now()
	ops := a.ledger.removes(now, a.cfg.Minter.Cause(now))
	if len(ops) == 0 {
		return
	}
	a.promote(ops, "removing them may remove other addresses of their subnet")
	err := a.cfg.Kernel.RemoveBatch(ops)
	if err == nil {
		a.ledger.removed(ops)
		return
	}
	a.list()
	now = a.cfg.Now()
	a.report(a.ledger.settle(now)) // addresses that are gone are not reported as failed
	a.report(a.ledger.unremoved(now, err))
}

// add adds the held addresses that are missing. It announces added ones while the next are added.
func (a *addresses) add() {
	missing, entries := a.ledger.adds(a.cfg.Now())
	ops, withheld := a.acceptance.withhold(missing)
	if len(withheld) > 0 {
		a.report(a.ledger.fail(a.cfg.Now(), withheld, a.acceptance.reason()))
	}
	if len(ops) == 0 {
		return
	}
	errs := a.addParts(ops, entries)
	a.promote(ops, "added, but its removal may remove other addresses of its subnet")
	if len(errs) > 0 {
		a.list()
		a.report(a.ledger.fail(a.cfg.Now(), ops, joined(errs)))
	}
}

// addParts adds addresses, with their entries, in parts, and announces each part before it adds the
// next. It returns the errors. After an error that is not the kernel's answer for some addresses, the
// other parts are not tried: each would wait as long.
func (a *addresses) addParts(ops []Op, entries map[event.AddressKey]position) (errs []error) {
	var broken error
	for part := range slices.Chunk(ops, neigh.MaxFrames) {
		err := broken
		if err == nil {
			err = a.cfg.Kernel.AddBatch(part)
		}
		if err != nil {
			if !errors.As(err, new(BatchError)) {
				broken = err
			}
			a.ledger.attempted(part)
			errs = append(errs, err)
			continue
		}
		a.ledger.added(part)
		a.announcer.applyAhead(a.ledger.begin(part, entries))
	}
	return errs
}

// joined joins the errors of several parts, with the kernel's answers in one list.
func joined(errs []error) error {
	var answers BatchError
	others := errs[:0:0]
	for _, err := range errs {
		var some BatchError
		if errors.As(err, &some) {
			answers = append(answers, some...)
		} else {
			others = append(others, err)
		}
	}
	if answers != nil {
		others = append(others, answers)
	}
	return errors.Join(others...)
}

// promote makes sure before each change that the kernel does not remove other addresses of a subnet
// with ours: other programs set the sysctl too, as sysctl --system does.
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
	// remarkAfter is the least time between two attempts to set a mark: a program that re-applies
	// addresses in a loop must not cost a core.
	remarkAfter = 20 * time.Millisecond
	// remarkEvery is how often a failed attempt to set the mark is repeated.
	remarkEvery = time.Minute
)

// markAgain restores the mark of held addresses from which another program removed it, so that a
// crash of ours leaves nothing that is never removed.
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
			fmt.Sprintf("another program re-applied it, and its mark as ripcord's own could not be restored, tried again every %v: %v", remarkEvery, err))
		a.dirty = true
		return
	}
	a.report(a.ledger.marked(now, ops))
}

// fail reports a failure that does not keep an address, held or leaving, from being held.
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

// left lists the addresses that could not be removed, and those that may exist because the kernel
// could not be asked.
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
